"""Drawings of examples, plain and beside their augmented selves."""

import numpy as np
import pytest

import dlkit as dk
from dlkit.data.drawing import figures
from dlkit.errors import InputError


def pixels(axis):
    return np.squeeze(axis.images[0].get_array())


def test_an_example_stands_plain_beside_its_augmented_self():

    def shade(images, seed):
        # A gradient from left to right, added to each image.
        return images + 5.0 * np.arange(8, dtype=np.float32)[:, np.newaxis]

    data = dk.data.load("digits", augment=shade)
    figure = data.show(count=6, augmented=True)
    assert len(figure.axes) == 12
    for plain, changed in zip(figure.axes[::2], figure.axes[1::2], strict=True):
        assert changed.get_title() == "augmented"
        assert plain.get_title() in data.class_names
        # Side by side: the same line of the grid, the next column.
        spot, next_to = plain.get_subplotspec(), changed.get_subplotspec()
        assert (next_to.rowspan, next_to.colspan.start) == (spot.rowspan, spot.colspan.start + 1)
        low, high = pixels(plain), pixels(changed)
        slope = np.corrcoef(high.mean(axis=0), np.arange(8))[0, 1]
        assert slope > 0.9
        assert np.abs(low - high).max() > 0.05


def test_the_pairs_are_rows_of_the_first_training_batch():
    data = dk.data.load("digits", augment=lambda images, seed: -images)
    next(iter(data.train))  # as `summary` and `fit` do: the next epoch has another order
    plain, targets = figures.first_batch(data)
    changed, same = figures.first_batch(data, augmented=True)
    np.testing.assert_array_equal(targets, same)
    np.testing.assert_array_equal(plain, -changed)


def test_data_without_augmentation_cannot_be_shown_augmented():
    with pytest.raises(InputError, match="'iris' has none; make the data with augment="):
        dk.data.load("iris").show(augmented=True)


def test_features_are_drawn_together_and_so_not_in_pairs():
    x = np.random.default_rng(0).normal(size=(40, 2))
    data = dk.data.from_arrays(x, x[:, 0], batch_size=8, augment=lambda rows, seed: rows)
    with pytest.raises(InputError, match="those of kind 'features' are drawn together"):
        data.show(augmented=True)


def test_a_kind_that_nothing_draws_is_told():
    import dataclasses

    data = dataclasses.replace(dk.data.load("iris"), kind="smell")
    with pytest.raises(InputError, match="Received: kind='smell' in 'iris'"):
        data.show()


def test_a_path_that_no_picture_can_be_saved_as_is_told(tmp_path):
    data = dk.data.load("iris")
    for save in (data.show, data.show_classes):
        with pytest.raises(InputError, match=r"no folder .*nowhere for a\.png; make it first"):
            save(tmp_path / "nowhere" / "a.png")
        with pytest.raises(InputError, match=r"cannot be saved as a\.xyz; .* one of: .*png"):
            save(tmp_path / "a.xyz")
        save(tmp_path / "a.PNG")
        assert (tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG")
