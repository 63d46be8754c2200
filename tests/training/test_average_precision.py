"""Mean average precision against the VOC challenge's own procedure, and cases done by hand."""

import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.training import MeanAveragePrecision
from dlkit.training.detection import to_rows

LEFT, RIGHT, AWAY = (0.0, 0.0, 0.4, 0.4), (0.5, 0.5, 0.9, 0.9), (0.1, 0.6, 0.2, 0.8)


def boxes(edges, classes, scores=None):
    """Return one image's boxes as data and detectors give them."""
    made = {"boxes": np.array([edges], "float32"), "classes": np.array([classes])}
    return made if scores is None else {**made, "scores": np.array([scores], "float32")}


def measured(truth, found, num_classes, **options):
    metric = MeanAveragePrecision(**options)
    metric.update_state(to_rows(truth, num_classes), to_rows(found, num_classes))
    return metric.result()


# Objects, detections, and the area by hand: recall gained, times the best precision from there on.
BY_HAND = {
    "all are found": (boxes([LEFT, RIGHT], [0, 0]), boxes([RIGHT, LEFT], [0, 0], [0.4, 0.3]), 1.0),
    "a wrong one between": (
        boxes([LEFT, RIGHT], [0, 0]),
        boxes([LEFT, AWAY, RIGHT], [0, 0, 0], [0.9, 0.8, 0.7]),
        0.5 * 1 + 0.5 * 2 / 3,
    ),
    "a wrong one first": (
        boxes([LEFT, RIGHT], [0, 0]),
        boxes([AWAY, LEFT], [0, 0], [0.9, 0.8]),
        0.5 * 1 / 2,
    ),
    "found twice": (
        boxes([LEFT, RIGHT], [0, 0]),
        boxes([RIGHT, LEFT, LEFT], [0, 0, 0], [0.5, 0.9, 0.8]),
        0.5 * 1 + 0.5 * 2 / 3,
    ),
    "of another class": (
        boxes([LEFT, RIGHT], [0, 1]),
        boxes([LEFT, RIGHT], [0, 0], [0.9, 0.8]),
        0.5,
    ),
    "a class that is not there": (
        boxes([LEFT], [0]),
        boxes([LEFT, RIGHT], [0, 2], [0.9, 0.8]),
        1.0,
    ),
    "padding": (
        boxes([LEFT, (0, 0, 0, 0)], [1, -1]),
        boxes([LEFT, (0, 0, 0, 0)], [1, -1], [0.9, 0.0]),
        1.0,
    ),
    "nothing": (boxes([LEFT], [0]), boxes([(0, 0, 0, 0)], [-1], [0.0]), 0.0),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_it_is_what_it_is_by_hand(case):
    truth, found, expected = BY_HAND[case]
    assert float(measured(truth, found, 3)) == pytest.approx(expected, abs=1e-6)


def average_precision(truth, found, kind, threshold):
    """Follow the VOC challenge's development kit (VOCevaldet.m, 2010), image lists for files."""
    wanted = [image["boxes"][image["classes"] == kind].astype("float64") for image in truth]
    taken = [np.zeros(len(of_image), bool) for of_image in wanted]
    detections = [
        (score, number, box.astype("float64"))
        for number, image in enumerate(found)
        for box, score, given in zip(
            *(image[k] for k in ("boxes", "scores", "classes")), strict=True
        )
        if given == kind
    ]
    right = []
    for _, number, box in sorted(detections, key=lambda d: -d[0]):
        shares = [voc_overlap(box, other) for other in wanted[number]]
        best = int(np.argmax(shares)) if shares else -1
        right.append(bool(shares) and shares[best] >= threshold and not taken[number][best])
        if right[-1]:
            taken[number][best] = True
    recall = np.cumsum(right) / max(1, sum(map(len, wanted)))
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    recall = np.concatenate([[0], recall, [1]])
    precision = np.concatenate([[0], precision, [0]])
    for place in range(len(precision) - 2, -1, -1):
        precision[place] = max(precision[place], precision[place + 1])
    steps = np.flatnonzero(recall[1:] != recall[:-1]) + 1
    return float(np.sum((recall[steps] - recall[steps - 1]) * precision[steps]))


def voc_overlap(one, other):
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    sizes = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width * height / (sizes - width * height)


def drawn(seed, images=12, objects=5, extra=6, classes=3):
    """Return crowded objects, and detections beside and around them, padded as data has them.

    No two scores lie in one step of the metric.
    """
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 0.5, (images, objects, 2))
    edges = np.concatenate([low, low + rng.uniform(0.1, 0.5, low.shape)], axis=-1)
    kinds = rng.integers(-1, classes, (images, objects))
    truth = {"boxes": edges.astype("float32"), "classes": kinds}
    near = edges[:, rng.integers(0, objects, extra)] + rng.normal(0, 0.04, (images, extra, 4))
    found = np.concatenate([edges + rng.normal(0, 0.03, edges.shape), near], axis=1)
    guessed = np.concatenate([kinds, rng.integers(-1, classes, (images, extra))], axis=1)
    scores = rng.permutation(np.linspace(0.02, 0.98, guessed.size)).reshape(guessed.shape)
    scores = np.where(guessed >= 0, scores, 0)
    return truth, {"boxes": found.astype("float32"), "classes": guessed, "scores": scores}


def rows_of(boxes, chosen):
    return {name: array[chosen] for name, array in boxes.items()}


@pytest.mark.parametrize("threshold", [0.5, 0.75])
def test_it_is_the_challenges_over_batches(threshold):
    truth, found = drawn(seed=1)
    images = [rows_of(some, slice(None)) for some in (truth, found)]
    listed = [[rows_of(some, number) for number in range(12)] for some in images]
    expected = [average_precision(*listed, kind, threshold) for kind in range(3)]
    assert min(expected) > 0.02 and max(expected) < 0.95
    mean = MeanAveragePrecision(threshold)
    each = MeanAveragePrecision(threshold, average=None)
    for chosen in (slice(0, 5), slice(5, 6), slice(6, 12)):
        rows = [to_rows(rows_of(some, chosen), 3) for some in (truth, found)]
        mean.update_state(*rows)
        each.update_state(*rows)
    assert float(mean.result()) == pytest.approx(np.mean(expected), abs=1e-5)
    got = [float(each.result()[f"mean_average_precision_{kind}"]) for kind in range(3)]
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_scores_in_one_step_cost_little():
    """Of 3,300 detections several share each of the thousand steps."""
    truth, found = drawn(seed=2, images=300)
    listed = [[rows_of(some, number) for number in range(300)] for some in (truth, found)]
    expected = np.mean([average_precision(*listed, kind, 0.5) for kind in range(3)])
    assert float(measured(truth, found, 3)) == pytest.approx(expected, abs=2e-3)


def test_weights_of_images_count_them_as_often():
    truth, found = drawn(seed=3, images=4)
    weighed, repeated = MeanAveragePrecision(), MeanAveragePrecision()
    rows = [to_rows(some, 3) for some in (truth, found)]
    weighed.update_state(*rows, sample_weight=np.array([0, 1, 2, 1]))
    repeated.update_state(*(to_rows(rows_of(some, [1, 2, 2, 3]), 3) for some in (truth, found)))
    assert float(weighed.result()) == pytest.approx(float(repeated.result()), abs=1e-6)


def test_it_starts_anew_and_is_made_again():
    truth, found = drawn(seed=4)
    metric = MeanAveragePrecision(0.6, average=None, num_thresholds=50)
    assert float(metric.result()) == 0.0
    first = metric(*(to_rows(some, 3) for some in (truth, found)))
    metric.reset_state()
    assert {float(value) for value in metric.result().values()} == {0.0}
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    second = again(*(to_rows(some, 3) for some in (truth, found)))
    assert {k: float(v) for k, v in first.items()} == {k: float(v) for k, v in second.items()}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        *(({"iou_threshold": t}, f"iou_threshold must be above 0.*={t}") for t in (0, -0.5, 1.5)),
        ({"average": "micro"}, "average must be 'macro' or None.*='micro'"),
        ({"num_thresholds": 0}, "num_thresholds must be .*=0"),
    ],
)
def test_what_says_nothing_is_refused(options, words):
    with pytest.raises(InputError, match=words):
        MeanAveragePrecision(**options)
