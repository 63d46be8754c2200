"""PatchTST against NumPy, the paper's numbers of patches, and what must not matter."""

import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.models.sequence.patchtst import embed_patches
from tests.models.test_encoder import RNG, encoded, normalized, randomized

TINY = {"patch_size": 4, "strides": 2, "hidden_dim": 8, "num_heads": 2, "mlp_ratio": 1.5}
TINY |= {"depth": 2, "dropout": 0.0}


def forecast(series, weights):
    """Return the forecast (horizon,) of one channel's window, as the paper has it."""
    mean, deviation = series.mean(), np.sqrt(series.var() + 1e-5)
    padded = np.append((series - mean) / deviation, [(series[-1] - mean) / deviation] * 2)
    kernel, bias, positions = (next(weights) for _ in range(3))
    patches = np.array([padded[i : i + 4] for i in range(0, len(padded) - 3, 2)])
    x = patches @ kernel[:, 0] + bias + positions
    for _ in range(2):
        x = encoded(x, weights)
    x = normalized(x, next(weights), next(weights)).ravel()
    y = x @ next(weights) + next(weights)
    assert list(weights) == []
    return y * deviation + mean


@pytest.mark.parametrize("columns", [None, (2, 0)])
def test_a_forecast_is_what_numpy_computes_channel_by_channel(columns):
    chosen = [0, 1, 2] if columns is None else list(columns)
    model = dk.models.patch_transformer((11, 3), 5 * len(chosen), target_columns=columns, **TINY)
    weights = list(randomized(model))
    x = RNG.normal(size=(4, 11, 3)) * [1.0, 30.0, 0.1] + [0.0, 7.0, -3.0]
    expected = [
        np.stack([forecast(window[:, c], iter(weights)) for c in chosen], axis=-1).ravel()
        for window in x
    ]
    np.testing.assert_allclose(model(x.astype("float32")), expected, rtol=1e-3, atol=1e-3)


# As the paper counts them, and names its models: PatchTST/42 and PatchTST/64.
@pytest.mark.parametrize(("length", "patches"), [(336, 42), (512, 64), (96, 12), (16, 2)])
def test_patches_are_as_many_as_published(length, patches):
    x = np.zeros((1, length, 1), "float32")
    assert embed_patches(x, 16, 8, 4).shape == (1, patches, 4)


def test_weights_are_as_many_as_the_papers_layers_have():
    """For its larger data sets: 3 blocks of 128 units, 256 inside, behind 42 patches."""
    width, inside, patches, horizon = 128, 256, 42, 96
    embedding = 16 * width + width + patches * width
    attention = 4 * (width * width + width)
    dense = width * inside + inside + inside * width + width
    head = patches * width * horizon + horizon
    model = dk.models.patch_transformer(
        (336, 7), 7 * horizon, hidden_dim=width, num_heads=16, mlp_ratio=2.0
    )
    norms = 2 * 2 * width  # two a block, as many as the paper's
    last = 2 * width  # which norms that come first need besides
    assert model.count_params() == embedding + 3 * (attention + dense + norms) + last + head


def test_a_channel_and_a_level_change_no_other_forecast():
    model = dk.models.patch_transformer((12, 2), 6, seed=0, **TINY)
    x = RNG.normal(size=(3, 12, 2)).astype("float32")
    moved = x + np.array([0, 50], "float32")
    np.testing.assert_allclose(model(moved), model(x) + np.tile([0, 50], 3), atol=2e-3)
    other = x.copy()
    other[..., 1] = 0
    np.testing.assert_allclose(model(other)[:, ::2], model(x)[:, ::2], atol=1e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"patch_size": 13}, r"patch of 13 steps is longer than the window of 12.*\[0\]=12"),
        ({"num_heads": 3}, "num_heads=3 does not divide hidden_dim=8; num_heads=2 does"),
        ({"strides": 0}, "strides must be .*strides=0"),
        ({"mlp_ratio": 0.01}, "leave the dense layer a unit.*mlp_ratio=0.01"),
        ({"depth": 0}, "depth=0"),
        ({"dropout": 1.0}, "dropout=1.0"),
    ],
)
def test_what_cannot_be_built_is_refused(options, words):
    with pytest.raises(InputError, match=words):
        dk.models.patch_transformer((12, 2), 6, **{**TINY, **options})


def test_the_default_patch_is_too_long_for_a_year_of_months():
    with pytest.raises(InputError, match="A patch of 16 steps is longer than the window of 12"):
        dk.models.patch_transformer((12, 1), 1)
