"""A fingerprint changes with what is prepared, and with nothing else."""

import dataclasses
import os

import numpy as np
import pytest
from PIL import Image

import dlkit as dk
from dlkit.data.changes import cache_fingerprint

X = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
Y = np.arange(200) % 2


def of(x=X, y=Y, **options):
    return cache_fingerprint.fingerprint_examples(
        dk.data.from_arrays(x, y, **{"batch_size": 16, **options}).origin
    )


def test_the_same_examples_have_the_same_fingerprint_however_they_are_fed():
    assert len(of()) == 64
    assert of() == of() == of(batch_size=50) == of(augment=lambda x, seed: x)


def test_one_number_one_label_or_another_split_changes_it():
    x, y = X.copy(), Y.copy()
    x[77, 1] += 1e-3
    y[77] = 1 - y[77]
    names = [of(), of(x), of(y=y), of(seed=1), of(val_fraction=0.2), of(cache=False)]
    assert len(set(names)) == 6


def test_weights_and_the_preparation_change_it():
    origin = dk.data.from_arrays(X, Y, cache=False).origin
    other = dk.data.from_arrays(X * 2, Y, cache=False).origin
    prepared = dataclasses.replace(origin.feed, preprocessing=other.feed.preprocessing)
    weighted = dataclasses.replace(origin.split, weights=np.ones(200))
    names = {
        cache_fingerprint.fingerprint_examples(origin),
        cache_fingerprint.fingerprint_examples(dataclasses.replace(origin, feed=prepared)),
        cache_fingerprint.fingerprint_examples(dataclasses.replace(origin, split=weighted)),
    }
    assert len(names) == 3


@pytest.mark.parametrize("change", ["time", "size"])
def test_a_file_that_was_written_anew_changes_it(tmp_path, change):
    for number in range(40):
        path = tmp_path / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (8, 8), number).save(path)
    origin = dk.data.from_image_folder(tmp_path, image_size=(8, 8), batch_size=8).origin
    before = cache_fingerprint.fingerprint_examples(origin)
    assert before == cache_fingerprint.fingerprint_examples(origin)
    if change == "time":
        os.utime(path, ns=(1, 1))
    else:
        path.write_bytes(path.read_bytes() + b"\0")
    assert cache_fingerprint.fingerprint_examples(origin) != before
