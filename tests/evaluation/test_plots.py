"""The pictures carry the right numbers: what is written in the figure is compared, not its look."""

import sys

import numpy as np
import pytest
import tensorflow as tf
from matplotlib.colors import to_rgba

import dlkit as dk
from dlkit.errors import InputError, MissingExtraError
from dlkit.evaluation import plot_confusion_matrix, plot_history, plot_predictions

from .test_predictions import lookup_data


def lines_of(axis):
    return {line.get_label(): line.get_ydata().tolist() for line in axis.get_lines()}


def test_history_draws_each_metric_beside_its_validation():
    history = {
        "epoch": [0, 1, 2],
        "accuracy": [0.5, 0.6, 0.7],
        "val_accuracy": [0.4, 0.5, 0.55],
        "loss": [1.0, 0.5, 0.25],
    }
    accuracy, loss = plot_history(history).axes
    assert (accuracy.get_xlabel(), accuracy.get_ylabel()) == ("epoch", "accuracy")
    assert (loss.get_xlabel(), loss.get_ylabel()) == ("epoch", "loss")
    assert lines_of(accuracy) == {"training": [0.5, 0.6, 0.7], "validation": [0.4, 0.5, 0.55]}
    assert lines_of(loss) == {"training": [1.0, 0.5, 0.25]}
    assert accuracy.get_lines()[0].get_xdata().tolist() == [1, 2, 3]  # people count from one
    legend = [text.get_text() for text in accuracy.get_legend().get_texts()]
    assert legend == ["training", "validation"]


def test_history_takes_what_fit_returns():
    data = dk.data.load("iris", batch_size=32)
    model = dk.models.build("perceptron", data)
    returned = model.fit(data.train, validation_data=data.val, epochs=2, verbose=0)
    history = returned.history
    for given in (returned, history):
        drawn = {axis.get_ylabel(): lines_of(axis) for axis in plot_history(given).axes}
        assert drawn == {
            name: {"training": history[name], "validation": history[f"val_{name}"]}
            for name in ("accuracy", "loss")
        }


@pytest.mark.parametrize("history", [{}, {"loss": []}, {"epoch": [], "loss": []}, {"epoch": [0]}])
def test_an_empty_history_is_refused(history):
    with pytest.raises(InputError, match="The history holds no epoch; train the model"):
        plot_history(history)


def test_the_confusion_matrix_writes_counts_and_accuracy():
    model, data = lookup_data(
        np.array([0, 0, 0, 0, 1, 2]),
        np.eye(3)[[0, 0, 0, 1, 1, 1]],
        name="flowers",
        task="multiclass",
        num_classes=3,
        class_names=("rose", "lily", "iris"),
    )
    (axis,) = plot_confusion_matrix(model, data).axes
    # Text stands at (column, row): rows are true, columns predicted; zeros are left out.
    written = {text.get_position(): text.get_text() for text in axis.texts}
    assert written == {(0, 0): "3", (1, 0): "1", (1, 1): "1", (1, 2): "1"}
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("predicted", "true")
    assert axis.get_title() == "flowers: accuracy 66.7%"
    for labels in (axis.get_xticklabels(), axis.get_yticklabels()):
        assert [label.get_text() for label in labels] == ["rose", "lily", "iris"]
    # Shades are shares of the true class, and the writing stands out from them.
    (shades,) = axis.images
    np.testing.assert_allclose(shades.get_array(), [[0.75, 0.25, 0], [0, 1, 0], [0, 1, 0]])
    colors = {text.get_position(): text.get_color() for text in axis.texts}
    assert colors == {(0, 0): "white", (1, 0): "black", (1, 1): "white", (1, 2): "white"}


def test_classes_without_names_are_numbered():
    model, data = lookup_data([0, 1], [[0.1], [0.9]], name="x", task="binary", num_classes=2)
    (axis,) = plot_confusion_matrix(model, data).axes
    assert [label.get_text() for label in axis.get_xticklabels()] == ["0", "1"]
    assert axis.get_title() == "x: accuracy 100.0%"


def picture_data(targets, table, **options):
    """Data of one-pixel images; the pixel is the row of the table that is the model's answer."""
    model, data = lookup_data(targets, table, **options)
    images = data.test.map(lambda x, y: (x[:, :, None, None], y))
    by_row = tf.keras.Sequential([tf.keras.layers.Flatten(), model])
    return by_row, dk.data.Data(**{**vars(data), "test": images, "train": images})


def test_the_surest_mistakes_come_first_and_then_the_least_sure_answers():
    model, data = picture_data(
        np.array([0, 1, 0, 1, 0]),
        [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.45, 0.55], [0.98, 0.02]],
        name="pets",
        task="multiclass",
        num_classes=2,
        class_names=("cat", "dog"),
    )
    figure = plot_predictions(model, data, count=4)
    assert [axis.get_title() for axis in figure.axes] == [
        "dog (80%)\ntrue: cat",
        "cat (60%)\ntrue: dog",
        "dog (55%)",
        "cat (90%)",
    ]
    red = [to_rgba(axis.title.get_color()) == to_rgba("tab:red") for axis in figure.axes]
    assert red == [True, True, False, False]


def test_binary_pictures_tell_the_probability_of_what_is_said():
    model, data = picture_data(
        np.array([0, 1, 1]), [[0.3], [0.2], [0.9]], name="x", task="binary", num_classes=2
    )
    titles = [axis.get_title() for axis in plot_predictions(model, data, count=16).axes]
    assert titles == ["0 (80%)\ntrue: 1", "0 (70%)", "1 (90%)"]


def test_each_picture_is_its_own_image():
    data = dk.data.load("digits")
    model = dk.models.build("perceptron", data, seed=0)
    model.fit(data.train, epochs=1, verbose=0)
    images = np.concatenate([x for x, _ in data.test.as_numpy_iterator()])
    truth = np.concatenate([y for _, y in data.test.as_numpy_iterator()])
    probabilities = model.predict(images, verbose=0)
    for axis in plot_predictions(model, data, count=9).axes:
        shown = axis.images[0].get_array()
        scaled = [(i - i.min()) / (i.max() - i.min()) for i in images[..., 0]]
        row = int(np.argmin([np.abs(shown - image).sum() for image in scaled]))
        np.testing.assert_allclose(shown, scaled[row], atol=1e-6)
        said = probabilities[row].argmax()
        title = f"{said} ({probabilities[row].max():.0%})"
        title += "" if said == truth[row] else f"\ntrue: {truth[row]}"
        assert axis.get_title() == title


def test_what_is_no_image_is_refused():
    data = dk.data.load("iris")
    with pytest.raises(InputError, match=r"'iris' holds inputs of shape \(4,\)\. Use plot_conf"):
        plot_predictions(dk.models.build("perceptron", data), data)


@pytest.mark.parametrize("count", [0, -1, 1.5])
def test_a_count_that_is_none_is_refused(count):
    with pytest.raises(InputError, match=f"Received: count={count}"):
        plot_predictions(None, dk.data.load("digits"), count=count)


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    data = dk.data.load("digits")
    calls = (
        lambda: plot_history({"loss": [1.0]}),
        lambda: plot_confusion_matrix(None, data),
        lambda: plot_predictions(None, data),
    )
    for call in calls:
        with pytest.raises(MissingExtraError, match=r'comes with: pip install "dlkit\[plot\]"'):
            call()


@pytest.mark.parametrize(
    ("name", "instead"), [("iris", "plot_confusion_matrix"), ("diabetes", "predict")]
)
def test_what_is_no_image_is_sent_to_what_shows_it(name, instead):
    data = dk.data.load(name)
    model = dk.models.build("perceptron", data)
    with pytest.raises(InputError, match=rf"'{name}' holds inputs of shape .* Use {instead}\."):
        plot_predictions(model, data)
