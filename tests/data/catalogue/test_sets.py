"""Every named set: what is said of it, its batches, and the counts that its publisher states.

Small pictures and few pairs keep this to seconds; all else is as `load` gives it.
"""

import functools
import re

import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.data.catalogue import cache, sets
from dlkit.errors import InputError

# In no shared folder: they come with Debian, or are downloaded.
ELSEWHERE = {"mnist", "fashion_mnist"}
SMALL = {
    "cifar10_jpg": {"image_size": (8, 8)},
    "flowers": {"image_size": (8, 8)},
    "blood_cells": {"image_size": (12, 16)},
    "fra_eng": {"max_pairs": 2000},
}
# Of all splits, in the order of the class names, as the README of the shared data states them.
CLASS_COUNTS = {
    "iris": [50] * 3,
    "breast_cancer": [212, 357],
    "cifar10_jpg": [1200] * 10,
    "flowers": [120] * 5,
    "spoken_digits": [300] * 10,
    "titanic": [549, 342],
    "penguins": [152, 68, 124],
    "adult": [24_720 + 12_435, 7_841 + 3_846],
    "credit_card_fraud": [2_773, 492],
    "mammography": [10_923, 260],
    "cora": [351, 217, 418, 818, 426, 298, 180],
    "sms_spam": [4_827, 747],
    "sentence_polarity": [5_331, 5_331],
    "ag_news": [1_900] * 4,
    "imdb_small": [6_000, 6_000],
}
TEST_COUNTS = {
    "cifar10_jpg": 2_000,
    "spoken_digits": 300,
    "blood_cells": 72,
    "adult": 16_281,
    "multi30k": 1_000,
    "cora": 1_000,
    "imdb_small": 4_000,
}
# The others of Cora's papers have no label to learn from; of the pairs not all are read here.
USED = {"cora": 140 + 500 + 1_000, "fra_eng": SMALL["fra_eng"]["max_pairs"]}
RANGES = {"auto_mpg": (9, 46.6), "boston_housing": (5, 50), "movielens": (0.5, 5)}


@pytest.fixture(scope="module")
def files():
    """Return the published files that were asked for, filled while sets are loaded."""
    asked, places = set(), cache.places

    def told(file):
        asked.add(file)
        return places(file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "places", told)
        yield asked


@pytest.fixture(scope="module")
def load(files):
    """Return a function that loads a set once, whatever asks for it."""

    @functools.cache
    def load(name):
        return dk.data.load(name, cache=False, batch_size=16, **SMALL.get(name, {}))

    return load


@pytest.mark.parametrize("info", sets.SETS, ids=lambda info: info.name)
def test_a_set_is_what_is_said_of_it(info, load, request):
    if info.name in ELSEWHERE:
        skip_unless_here(info.name, load)
    elif "scikit-learn" not in info.origin:
        request.getfixturevalue("shared_data")
    data = load(info.name)
    assert (data.name, data.kind, data.task) == (info.name, info.kind, info.task)
    split = data.origin.split
    used = len(split.train) + len(split.val) + len(split.test)
    assert used == USED.get(info.name, info.examples)
    assert len(split.test) == TEST_COUNTS.get(info.name, len(split.test))
    for part in (data.train, data.val, data.test):
        check_batch(data, next(iter(part)))
    if info.name in CLASS_COUNTS:
        counts = np.bincount(data.origin.targets.values)
        assert counts.tolist() == CLASS_COUNTS[info.name]
    if info.name in RANGES:
        values = data.origin.targets.values
        np.testing.assert_allclose((values.min(), values.max()), RANGES[info.name], rtol=1e-6)


def skip_unless_here(name, load):
    try:
        load(name)
    except InputError as error:
        if "not on this machine" not in str(error):
            raise
        pytest.skip(f"the files of {name} are not here: {error}")


def check_batch(data, batch):
    """Hold a batch against what the record says of inputs and targets."""
    inputs, targets = batch[:2]
    if not isinstance(inputs, dict):
        inputs = {next(iter(data.input_spec)): inputs}
    assert set(inputs) == set(data.input_spec)
    for name, spec in data.input_spec.items():
        assert spec.is_compatible_with(tf.TensorSpec(inputs[name].shape[1:], inputs[name].dtype))
        if spec.dtype.is_floating:
            assert np.isfinite(inputs[name]).all()
    if data.class_names is not None:
        assert len(set(data.class_names)) == data.num_classes
    if data.task == "detection":
        boxes, classes = np.asarray(targets["boxes"]), np.asarray(targets["classes"])
        assert (classes >= -1).all() and (classes < data.num_classes).all()
        there = boxes[classes >= 0]
        assert (there[:, :2] < there[:, 2:]).all() and (there >= 0).all() and (there <= 1).all()
    elif data.task == "regression":
        columns = () if data.num_classes == 1 else (data.num_classes,)
        assert targets.shape[1:] == columns and np.isfinite(targets).all()
    else:
        of_sequence = data.task in ("translation", "language_model")
        assert targets.shape.rank == (2 if of_sequence else 1) and targets.dtype.is_integer
        assert np.min(targets) >= 0 and np.max(targets) < data.num_classes


def test_what_no_batch_shows_has_its_published_count(shared_data, load):
    folder = cache.unpack_published("translation/fra-eng.zip")
    assert (folder / "fra.txt").read_bytes().count(b"\n") == 142_787
    data = load("blood_cells")
    shown = data.origin.feed.targets["classes"]
    counts = {name: int((shown == i).sum()) for i, name in enumerate(data.class_names)}
    # Of the 4,155 published red cells two have no area.
    assert counts == {"RBC": 4_153, "WBC": 372, "Platelets": 361}


def test_every_shared_file_belongs_to_a_set(shared_data, files, load):
    """Weights and descriptions are no data; Cora is there in two forms; French is an option."""
    for info in sets.SETS:
        if info.name not in ELSEWHERE:
            load(info.name)
    listed = {line.split()[1] for line in (shared_data / "SHA256SUMS").read_text().splitlines()}
    other = r"weights/|.*\.names$|.*/(readme\.txt|classes\.txt)$|graph/planetoid/|.*\.fr\.gz$"
    assert {file for file in listed if not re.match(other, file)} == files & listed
    assert {file for file in files if "fashion" not in file} <= listed
