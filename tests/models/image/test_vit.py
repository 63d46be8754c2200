"""vit against the papers' numbers of weights, and every step of it against NumPy."""

import keras
import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError
from tests.models.test_encoder import RNG, encoded, normalized, randomized, softmax

TINY = {"hidden_dim": 8, "depth": 2, "num_heads": 2, "dropout": 0.0, "stochastic_depth": 0.0}


def test_vit_b_16_has_the_papers_number_of_weights():
    model = dk.models.vit(
        (224, 224, 3),
        1000,
        tokenizer="patch",
        patch_size=16,
        hidden_dim=768,
        depth=12,
        num_heads=12,
        mlp_ratio=4.0,
        global_pool="token",
    )
    assert model.count_params() == 86_567_656


# CCT-7/3x1 and CCT-2/3x2 as published. Their queries, keys and values have no bias, which Keras's
# attention has; their sequence pooling has one, which has no effect.
@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({"filters": (), "hidden_dim": 256, "depth": 7, "mlp_ratio": 2.0}, 3_760_139),
        ({"filters": (64,), "hidden_dim": 128, "depth": 2, "mlp_ratio": 1.0}, 283_723),
    ],
)
def test_the_compact_form_has_the_papers_number_of_weights(options, count):
    model = dk.models.vit((32, 32, 3), 10, **options)
    biases = 3 * options["depth"] * options["hidden_dim"]
    assert model.count_params() - biases + 1 == count


@pytest.mark.parametrize("global_pool", ["sequence", "token", "average"])
def test_a_small_vision_transformer_is_what_numpy_computes(global_pool):
    options = {**TINY, "tokenizer": "patch", "patch_size": 2, "global_pool": global_pool}
    model = dk.models.vit((4, 6, 1), 3, **options)
    weights = randomized(model)
    image = RNG.normal(size=(4, 6, 1))
    kernel, bias = next(weights), next(weights)
    patches = [image[i : i + 2, j : j + 2].ravel() for i in (0, 2) for j in (0, 2, 4)]
    x = np.array(patches) @ kernel.reshape(4, 8) + bias
    if global_pool == "token":
        x = np.concatenate([next(weights)[0], x])
    x = x + next(weights)
    for _ in range(2):
        x = encoded(x, weights)
    x = normalized(x, next(weights), next(weights))
    if global_pool == "sequence":
        x = softmax(x @ next(weights), axis=0).T @ x
    x = {"sequence": x, "token": x[:1], "average": x.mean(0, keepdims=True)}[global_pool]
    expected = softmax(x @ next(weights) + next(weights))
    assert list(weights) == []
    np.testing.assert_allclose(model(image[None].astype("float32")), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("side", "tokens"), [(8, 16), (12, 36), (13, 16), (24, 36), (25, 16), (28, 16), (64, 64)]
)
def test_images_become_some_tokens_at_the_defaults(side, tokens):
    assert dk.models.vit((side, side, 1), 3, **TINY).layers[2].input.shape == (None, tokens, 8)


def test_attention_starts_from_glorots_range():
    """As in the paper's code, which draws each kernel as the matrix that it is."""
    model = dk.models.vit((8, 8, 1), 3, hidden_dim=48, num_heads=4, depth=1, filters=(4,))
    (attention,) = [ly for ly in model.layers if "attention" in ly.name]
    kernels = [w.numpy() for w in attention.weights if "kernel" in w.path]
    assert len(kernels) == 4
    for kernel in kernels:
        assert np.abs(kernel).max() == pytest.approx(np.sqrt(6 / (48 + 48)), rel=0.02)
    assert not np.array_equal(kernels[0], kernels[1])


def test_branches_are_skipped_the_more_the_deeper_they_are():
    model = dk.models.vit((8, 8, 1), 3, **{**TINY, "depth": 4, "stochastic_depth": 0.2})
    rates = [layer.rate for layer in model.layers if isinstance(layer, dk.layers.StochasticDepth)]
    np.testing.assert_allclose(rates, np.repeat([0.05, 0.1, 0.15, 0.2], 2))


def test_dropout_is_in_the_tokens_the_attention_and_after_each_layer():
    model = dk.models.vit((8, 8, 1), 3, **{**TINY, "depth": 1, "dropout": 0.3})
    rates = [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.3] * 4
    (attention,) = [ly for ly in model.layers if "attention" in ly.name]
    assert attention.get_config()["dropout"] == 0.3


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        (
            (28, 28, 1),
            {"tokenizer": "patch", "patch_size": 16},
            "patch_size=16 does not divide images of 28 x 28 pixels: choose from 1, 2, 4, 7, 14",
        ),
        ((28, 28, 1), {"patch_size": 7}, "patch_size=7 belongs to tokenizer='patch': name that"),
        (
            (28, 28, 1),
            {"tokenizer": "patch", "filters": (8,)},
            "belongs to tokenizer='convolution'",
        ),
        ((28, 28, 1), {"tokenizer": "patches"}, "Did you mean 'patch'"),
        ((28, 28, 1), {"global_pool": "max"}, "sequence, token, average. Received: global_pool="),
        ((28, 28, 1), {"num_heads": 3}, "num_heads=3 does not divide hidden_dim=128; num_heads=2 "),
        ((28, 28, 1), {"mlp_ratio": 0.001}, "mlp_ratio=0.001, hidden_dim=128"),
        ((4, 28, 1), {"filters": (64,)}, r"filters=\(64,\), kernel_size=3 needs .* 5 x 5 .*4, 28"),
        ((1, 28, 1), {}, "needs images of at least 3 x 3"),
        ((28, 28, 1), {"depth": 0}, "depth=0"),
        ((28, 28, 1), {"stochastic_depth": 1.0}, "stochastic_depth=1.0"),
    ],
)
def test_what_cannot_be_built_is_refused(shape, options, words):
    with pytest.raises(InputError, match=words):
        dk.models.vit(shape, 10, **options)
