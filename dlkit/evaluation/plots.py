"""Pictures of a training and of what a model predicts. Each returns a Matplotlib figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dlkit.argument_validation import check_integer, require
from dlkit.errors import InputError
from dlkit.evaluation import predictions

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

    from dlkit.data.data import Data


def plot_history(history: keras.callbacks.History | Mapping[str, Sequence[float]]) -> Figure:
    """Draw each metric over the epochs, training beside validation.

    Args:
        history: What `model.fit` returns, or metric -> its value in each epoch, as
            `dlkit.training.load_history(run)` reads it.

    Returns:
        The figure, one plot a metric.

    Raises:
        InputError: when the history is empty.
        MissingExtraError: when Matplotlib is not installed.

    Example:
        >>> figure = plot_history({"loss": [1.0, 0.5], "val_loss": [1.1, 0.7]})
        >>> [axis.get_ylabel() for axis in figure.axes]
        ['loss']
    """
    require("matplotlib", "plot")
    from matplotlib.ticker import MaxNLocator

    from dlkit.figures import Figure

    history = getattr(history, "history", history)
    names = [n for n in history if n != "epoch" and not n.startswith("val_")]
    if not names or not len(history[names[0]]):
        raise InputError("The history holds no epoch; train the model before drawing it.")
    figure = Figure(figsize=(5 * len(names), 3.5), layout="constrained")
    for index, name in enumerate(names):
        axis = figure.add_subplot(1, len(names), index + 1)
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            if key in history:
                values = history[key]
                axis.plot(range(1, len(values) + 1), values, marker=".", label=label)
        axis.set(xlabel="epoch", ylabel=name)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
        axis.legend()
    return figure


def plot_confusion_matrix(model: keras.Model, data: Data) -> Figure:
    """Draw the confusion matrix of the test split: shades by share of the true class, counts in it.

    Args:
        model: A classifier.
        data: A `Data` record with a test split.

    Returns:
        The figure.

    Raises:
        InputError: when the task has no exclusive classes, or there is no test split.
        MissingExtraError: when Matplotlib is not installed.

    Example:
        >>> import dlkit as dk
        >>> data = dk.data.load("iris")
        >>> figure = plot_confusion_matrix(dk.models.build("mlp", data), data)
        >>> figure.axes[0].get_xlabel()
        'predicted'
    """
    require("matplotlib", "plot")
    from dlkit.figures import Figure

    counts = predictions.confusion_matrix(model, data)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = 2.5 + 0.5 * len(counts)
    figure = Figure(figsize=(size, size), layout="constrained")
    axis = figure.add_subplot()
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            color = "white" if shares[row, column] > 0.5 else "black"
            axis.text(column, row, str(count), ha="center", va="center", color=color, fontsize=9)
    names = data.class_names or [str(i) for i in range(data.num_classes)]
    axis.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axis.set_yticks(range(len(names)), names)
    accuracy = np.trace(counts) / counts.sum()
    axis.set(xlabel="predicted", ylabel="true", title=f"{data.name}: accuracy {accuracy:.1%}")
    return figure


def plot_predictions(model: keras.Model, data: Data, *, count: int = 16) -> Figure:
    """Draw test images with what the model says: its surest mistakes, then its least sure answers.

    Args:
        model: A classifier of images.
        data: A `Data` record of images with a test split.
        count: How many images to draw. Defaults to 16.

    Returns:
        The figure; the title of an image names the predicted class and its probability, and in red
        the true class where it is another.

    Raises:
        InputError: when the inputs are not images, the task has no exclusive classes, or there is
            no test split.
        MissingExtraError: when Matplotlib is not installed.

    Example:
        >>> import dlkit as dk
        >>> data = dk.data.load("digits")
        >>> figure = plot_predictions(dk.models.build("perceptron", data), data, count=4)
        >>> len(figure.axes)
        4
    """
    check_integer("count", count)
    require("matplotlib", "plot")
    from dlkit.data.core.class_names import target_text
    from dlkit.data.image.drawing import draw_images

    split = predictions.check_test_split(data)
    images = np.concatenate([x.numpy() for x, *_ in split])
    if images.ndim != 4:
        instead = "predict" if data.task == "regression" else "plot_confusion_matrix"
        raise InputError(
            "plot_predictions draws images (height, width, channels);"
            f" '{data.name}' holds inputs of shape {images.shape[1:]}. Use {instead}."
        )
    targets, probabilities = predictions.predict(model, split)
    classes = predictions.to_classes(probabilities, data.task)
    sure = _confidence(probabilities, classes, data.task)
    mistakes = classes != targets
    # The surest mistakes tell most, then the right answers that nearly were not.
    chosen = np.lexsort((np.where(mistakes, -sure, sure), ~mistakes))[:count]
    titles = []
    for i in chosen:
        title = f"{target_text(data, classes[i])} ({sure[i]:.0%})"
        titles.append(f"{title}\ntrue: {target_text(data, targets[i])}" if mistakes[i] else title)
    figure = draw_images(images[chosen], titles)
    for axis, i in zip(figure.axes, chosen, strict=True):
        axis.title.set_color("tab:red" if mistakes[i] else "black")
    return figure


def _confidence(probabilities: np.ndarray, classes: np.ndarray, task: str) -> np.ndarray:
    if task == "binary":
        positive = probabilities.reshape(len(probabilities))
        return np.where(classes == 1, positive, 1 - positive)
    return probabilities[np.arange(len(classes)), classes]
