"""The detector: maps made by hand, targets turned into maps and back, and blood cells."""

import keras
import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.evaluation.predictions import predict
from dlkit.models.image.detector import Peaks
from dlkit.training.detection import DetectionLoss, read_boxes, to_rows


def test_peaks_are_the_hottest_places_around_and_the_surest_come_first():
    maps = np.full((1, 4, 8, 6), -20.0, "float32")
    maps[..., :4] = 0.0  # each way as long as a place
    maps[0, 0, 1, 5] = 2.0
    maps[0, 0, 2, 5] = 1.0  # beside a hotter one of its class
    maps[0, 1, 2, 4] = 0.5  # of another class
    maps[0, 3, 7, 4] = 3.0
    maps[0, 2, 4, 4] = -3.0  # too cold
    found = {k: np.asarray(v)[0] for k, v in Peaks(5, score_threshold=0.3)(maps).items()}
    np.testing.assert_array_equal(found["classes"], [0, 1, 0, -1, -1])
    expected = 1 / (1 + np.exp([-3.0, -2.0, -0.5]))
    np.testing.assert_allclose(found["scores"], [*expected, 0, 0], rtol=1e-6)
    width, height = 8, 4
    sides = np.array([width, height, width, height])
    np.testing.assert_allclose(
        found["boxes"] * sides,
        [
            [6.5, 2.5, 8, 4],  # cut off where the image ends
            [0.5, 0, 2.5, 1.5],
            [1.5, 0.5, 3.5, 2.5],
            [0, 0, 0, 0],
            [0, 0, 0, 0],
        ],
        atol=1e-5,
    )


def test_no_more_is_found_than_there_are_places():
    found = Peaks(100, 0.0)(np.zeros((2, 3, 4, 5), "float32"))
    assert found["boxes"].shape == (2, 12, 4)


def test_maps_that_say_what_is_there_give_it_back_and_no_loss():
    """Targets -> the best maps there are, by descent on the loss alone -> Peaks -> the targets."""
    targets = {
        "boxes": np.array([[[0.1, 0.1, 0.4, 0.5], [0.5, 0.4, 0.9, 0.9], [0, 0, 0, 0]]], "float32"),
        "classes": np.array([[1, 0, -1]]),
    }
    maps = keras.Variable(np.zeros((1, 8, 8, 6), "float32") - [0, 0, 0, 0, 4, 4])
    free = keras.Sequential([keras.Input((1,)), _Free(maps)])
    free.compile(keras.optimizers.Adam(0.1), DetectionLoss())
    rows = keras.ops.convert_to_numpy(to_rows(targets, 2))
    last = [free.train_on_batch(np.zeros((1, 1)), rows) for _ in range(300)][-1]
    assert last < 0.1
    found = {k: np.asarray(v)[0] for k, v in Peaks(4, 0.5)(maps.value).items()}
    order = np.argsort(-found["classes"][:2])
    np.testing.assert_array_equal(found["classes"][:2][order], [1, 0])
    np.testing.assert_array_equal(found["classes"][2:], [-1, -1])
    np.testing.assert_allclose(found["boxes"][:2][order], targets["boxes"][0, :2], atol=0.01)


class _Free(keras.layers.Layer):
    """Gives a variable, whatever it is given."""

    def __init__(self, variable):
        super().__init__()
        self.variable = variable

    def call(self, inputs):
        return self.variable + 0 * keras.ops.sum(inputs)


def test_the_map_has_a_place_every_so_many_pixels():
    for strides, shape in ((2, (16, 24)), (4, (8, 12)), (8, (4, 6))):
        model = dk.models.detector((32, 48, 3), 2, filters=(4, 4, 8), strides=strides)
        assert model.get_layer("predictions").output.shape == (None, *shape, 6)
        assert model.output["boxes"].shape == (None, min(100, shape[0] * shape[1]), 4)


def test_an_untrained_network_sees_an_object_in_a_hundred_places():
    model = dk.models.detector((32, 32, 3), 2, seed=0)
    maps = np.asarray(model.to_maps(np.zeros((1, 32, 32, 3), "float32")))
    np.testing.assert_allclose(1 / (1 + np.exp(-maps[..., 4:])), 0.01, atol=1e-3)
    box = np.asarray(read_boxes(maps))[0, 4, 4] * 8  # in places
    np.testing.assert_allclose(box, [0.5, 0.5, 8.5, 8.5], atol=0.1)
    assert (np.asarray(model(np.zeros((1, 32, 32, 3)))["classes"]) == -1).all()


@pytest.fixture(scope="module")
def cells(shared_data):
    augment = {"flip": 0.5, "shift": 0.1, "brightness": 0.2}
    size = {"image_size": (48, 64), "batch_size": 8, "cache": True}
    data = dk.data.load("blood_cells", augment=augment, **size)
    rate = dk.training.OneCycle(0.004, 6 * len(data.train))
    model = dk.models.build("detector", data, filters=(16, 32, 64), learning_rate=rate, seed=0)
    history = model.fit(data.train, validation_data=data.val, epochs=6, verbose=0)
    return data, model, history.history


def test_it_learns_to_find_cells(cells):
    data, model, history = cells
    scores = model.evaluate(data.test, verbose=0, return_dict=True)
    assert set(scores) == {"loss", "mean_average_precision"}
    assert scores["mean_average_precision"] > 0.4
    assert set(history) == {*scores, *(f"val_{name}" for name in scores)}


def test_what_it_finds_has_the_units_of_the_targets(cells):
    """White cells, which are large and few: the surest one lies on one."""
    data, model, _ = cells
    truth, found = predict(model, data.test)
    white = data.class_names.index("WBC")
    shares = []
    for boxes, kinds, edges, classes in zip(
        found["boxes"], found["classes"], truth["boxes"], truth["classes"], strict=True
    ):
        seen, there = boxes[kinds == white][:1], edges[classes == white]
        if len(seen) and len(there):
            overlaps = keras.utils.bounding_boxes.compute_iou(seen, there, "xyxy")
            shares.append(float(np.max(overlaps)))
    assert len(shares) > 40
    assert np.median(shares) > 0.5


def test_evaluate_measures_what_predict_finds(cells):
    data, model, _ = cells
    metric = dk.training.MeanAveragePrecision()
    loss = []
    for x, y in data.test:
        metric.update_state(to_rows(y, 3), to_rows(model.predict_on_batch(x), 3))
        loss += list(np.asarray(model.loss.call(to_rows(y, 3), model.to_maps(x))))
    scores = model.evaluate(data.test, verbose=0, return_dict=True)
    assert scores["mean_average_precision"] == pytest.approx(float(metric.result()), abs=1e-4)
    assert scores["loss"] == pytest.approx(np.mean(loss), rel=1e-3)


def test_an_export_finds_the_same_in_raw_photos(cells, tmp_path):
    data, model, _ = cells
    version = dk.export.saved_model(model, tmp_path / "cells", data=data)
    raw = data.examples[0][:4]
    expected = model.predict(data.preprocessing.predict(raw, verbose=0), verbose=0)
    with dk.serving.Server(version.parent, rest_port=0) as server:
        answer = dk.serving.Client(server.url).predict(raw)
    assert set(answer) == {"boxes", "classes", "scores"}
    for name, values in answer.items():
        np.testing.assert_allclose(values, expected[name], atol=1e-4)
    assert (answer["classes"] >= 0).any()


def test_a_saved_one_is_loaded_and_evaluated_alike(cells, tmp_path):
    data, model, _ = cells
    model.save(tmp_path / "cells.keras")
    again = dk.models.load(tmp_path / "cells.keras")
    few = data.test.take(2)
    assert again.evaluate(few, verbose=0) == pytest.approx(model.evaluate(few, verbose=0))


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        ((100, 128, 3), {}, r"multiples of 16 pixels: give them as 96 x 128, .*\(100, 128, 3\)"),
        ((8, 128, 3), {}, r"give them as 16 x 128"),
        ((32, 32, 3), {"strides": 3}, "strides must be one of 2, 4, 8, 16 .*=3"),
        ((32, 32, 3), {"strides": 32}, "strides must be one of 2, 4, 8, 16 .*=32"),
        ((32, 32, 3), {"max_detections": 0}, "max_detections must be .*=0"),
        ((32, 32, 3), {"score_threshold": 1.0}, "score_threshold must be in .*=1.0"),
        ((32, 32, 3), {"task": "multiclass"}, "detector's task must be one of: detection"),
        ((32, 32, 3), {"loss": "mse"}, "loss='mse' .* task='detection' .*focal_giou"),
        ((32, 32, 3), {"label_smoothing": 0.1}, "label_smoothing=0.1 works with"),
    ],
)
def test_what_cannot_be_built_is_refused(shape, options, words):
    with pytest.raises(InputError, match=words):
        dk.models.detector(shape, 3, **options)


def test_data_without_boxes_names_the_models_that_take_it():
    words = "detector does detection; 'digits' is a multiclass task: try .*cnn"
    with pytest.raises(InputError, match=words):
        dk.models.build("detector", dk.data.load("digits"))
    model = dk.models.detector((16, 16, 1), 2, jit_compile=False)
    with pytest.raises(InputError, match=r"learns from targets .* Received: .*Tensor"):
        model.fit(np.zeros((2, 16, 16, 1)), np.zeros(2), verbose=0)


def test_classifiers_send_boxes_to_the_detector(shared_data):
    data = dk.data.load("blood_cells", image_size=(48, 64))
    with pytest.raises(InputError, match="'blood_cells' is a detection task: try detector"):
        dk.models.build("cnn", data)
