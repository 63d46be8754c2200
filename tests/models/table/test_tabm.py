"""TabM against NumPy: its members, the mean of their losses, and its weights by the paper."""

import keras
import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.models.table.tabm import MemberPredictions, MemberScaling
from tests.models.test_encoder import RNG, randomized

EDGES = ((-1.0, 0.0, 1.0), (), (-2.0, 0.5, 0.6, 2.0))
TINY = {"bin_edges": EDGES, "members": 3, "units": (5, 4), "embedding_dim": 2, "dropout": 0.0}
TINY |= {"jit_compile": False, "steps_per_execution": 1, "seed": 0}


def encoded(x, edges):
    """Return how far a number is through each bin, the outer ones without an end."""
    parts = (x[:, None] - edges[:-1]) / np.diff(edges)
    low, high = np.zeros(len(edges) - 1), np.ones(len(edges) - 1)
    low[0], high[-1] = -np.inf, np.inf
    return np.clip(parts, low, high)


def members(x, weights):
    """Return what each member says before the activation, (batch, members, outputs)."""
    kernel, bias, scaling, *rest = weights
    known = [place for place, edges in enumerate(EDGES) if edges]
    vectors = [
        encoded(x[:, place], np.array(EDGES[place])) @ kernel[n, : len(EDGES[place]) - 1] + bias[n]
        for n, place in enumerate(known)
    ]
    shared = np.concatenate([*vectors, x[:, [1]]], axis=1)
    said = []
    for member, scale in enumerate(scaling):
        y = shared * scale
        for number in range(2):
            y = np.maximum(y @ rest[2 * number] + rest[2 * number + 1], 0)
        said.append(y @ rest[-2][member] + rest[-1][member])
    return np.stack(said, axis=1)


def softmax(x):
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def drawn(task, classes, **options):
    model = dk.models.tabular((3,), classes, task=task, **{**TINY, **options})
    weights = randomized(model)
    return model, list(weights), RNG.normal(size=(6, 3)).astype("float32")


def test_the_prediction_is_the_mean_of_the_members_probabilities():
    model, weights, x = drawn("multiclass", 4)
    expected = softmax(members(x, weights))
    np.testing.assert_allclose(model(x), expected.mean(axis=1), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(model.predict(x, verbose=0), model(x), rtol=1e-5)
    assert np.ptp(expected, axis=1).max() > 0.1  # members differ


@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_in_training_is_the_mean_of_the_members_losses(weighted):
    model, weights, x = drawn("multiclass", 4)
    y = np.arange(6) % 4
    weight = np.linspace(0, 2, 6).astype("float32") if weighted else None
    losses = -np.log(softmax(members(x, weights))[np.arange(6), :, y])  # (B, k)
    expected = np.mean(losses * (np.ones(6) if weight is None else weight)[:, None])
    predicted = model(x, training=True)
    np.testing.assert_allclose(model.compute_loss(x, y, predicted, weight), expected, rtol=1e-3)
    assert predicted.shape == (6, 4)  # metrics are of the mean
    mean = softmax(members(x, weights)).mean(axis=1)[np.arange(6), y]
    found = model.evaluate(x, y, sample_weight=weight, verbose=0, return_dict=True)
    share = 1 if weight is None else weight
    np.testing.assert_allclose(found["loss"], -np.mean(share * np.log(mean)), rtol=1e-3)


def test_a_regression_averages_losses_in_the_units_of_its_targets():
    scale = ([100.0, -5.0], [20.0, 0.5])
    model, weights, x = drawn("regression", 2, target_scale=scale)
    said = members(x, weights) * scale[1] + scale[0]
    y = RNG.normal(size=(6, 2)) * scale[1] + scale[0]
    np.testing.assert_allclose(model(x), said.mean(axis=1), rtol=1e-3, atol=1e-3)
    expected = np.mean(((said - y[:, None]) / scale[1]) ** 2)
    predicted = model(x, training=True)
    found = model.compute_loss(x, y.astype("float32"), predicted)
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_a_step_of_fit_is_that_of_the_mean_of_losses():
    model, weights, x = drawn("binary", 2, optimizer="sgd", learning_rate=0.1)
    y = np.arange(6) % 2
    model.fit(x, y, batch_size=6, verbose=0)
    probability = 1 / (1 + np.exp(-members(x, weights)[..., 0]))
    slope = (probability - y[:, None]) / (6 * 3)  # of the loss, by what each member says
    np.testing.assert_allclose(
        model.get_weights()[-1][:, 0], weights[-1][:, 0] - 0.1 * slope.sum(axis=0), atol=1e-4
    )


def test_weights_are_as_many_as_the_paper_has():
    """A table of 13 numbers in 48 bins, 30 features as they are; k = 32, three layers of 512."""
    numbers, bins, others, k, width, embedding = 13, 48, 30, 32, 512, 16
    edges = [tuple(np.arange(bins + 1.0))] * numbers + [()] * others
    model = dk.models.tabular(
        *((numbers + others,), 2),
        task="binary",
        bin_edges=edges,
        members=k,
        units=(width,) * 3,
        embedding_dim=embedding,
    )
    flat = numbers * embedding + others
    embeddings = numbers * (bins * embedding + embedding)
    own = k * flat + k * (width + 1)  # R of TabM-mini, and a head each
    shared = flat * width + width + 2 * (width * width + width)
    assert model.count_params() == embeddings + own + shared


def test_members_cost_little_more_than_one():
    one, many = (dk.models.tabular((3,), 4, **{**TINY, "members": k}) for k in (1, 9))
    flat = 2 * 2 + 1
    assert many.count_params() - one.count_params() == 8 * (flat + 4 * 4 + 4)


def test_it_is_saved_and_goes_on_with_its_members(tmp_path):
    model, _, x = drawn("multiclass", 4)
    y = np.arange(6) % 4
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(again(x), model(x))
    assert again.train_on_batch(x, y)[0] == model.train_on_batch(x, y)[0]
    assert again.get_layer("predictions").activation is keras.activations.softmax


def test_the_layers_say_what_they_cannot_take():
    with pytest.raises(InputError, match=r"members.*Received: members=0"):
        MemberScaling(0)
    with pytest.raises(InputError, match=r"units.*Received: units=0"):
        MemberPredictions(0, "softmax")
