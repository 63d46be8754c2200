"""Transformers that classify: against NumPy, what padding cannot change, and what they learn."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.errors import InputError

TINY = {"hidden_dim": 8, "depth": 1, "num_heads": 2, "seed": 0}
BERT = {"hidden_dim": 768, "depth": 12, "num_heads": 12, "positions": "learned"}


def test_bert_base_has_the_published_weights():
    """Its 30,522 tokens and 512 places hold the class token, which is a vector of its own here."""
    options = BERT | {"norm_first": False, "global_pool": "token", "units": 768}
    model = dk.models.transformer_classifier((511,), 2, vocab_size=30_521, **options)
    head, halves = 768 * 2 + 2, 2 * 768
    assert model.count_params() - head == 109_482_240 - halves


def normed(x, weights):
    gamma, beta = weights
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * gamma + beta


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def attended(x, layer):
    """Return what two heads of four units read, by their queries, keys and values."""
    kernel, bias, output, output_bias = layer.get_weights()
    query, key, value = np.split(x @ kernel + bias, 3, axis=-1)
    read = [
        softmax(query[:, head] @ key[:, head].T / 2) @ value[:, head]
        for head in (slice(0, 4), slice(4, 8))
    ]
    return np.concatenate(read, axis=-1) @ output + output_bias


@pytest.mark.parametrize("norm_first", [True, False])
def test_it_computes_what_the_paper_says(norm_first):
    options = {"norm_first": norm_first, "global_pool": "average", "activation": "relu", **TINY}
    model = dk.models.transformer_classifier((5, 3), 2, **options)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if weight.dtype == "float32":
            weight.assign(rng.normal(size=weight.shape))
    x = rng.normal(size=(5, 3)).astype("float32")
    kernel, bias = model.get_layer("steps").get_weights()
    speeds = 10_000.0 ** (-np.arange(0, 8, 2) / 8)
    turned = np.arange(5)[:, None] * speeds
    y = x @ kernel + bias + np.concatenate([np.sin(turned), np.cos(turned)], axis=-1)
    last = model.get_layer("norm").get_weights()
    if not norm_first:
        y = normed(y, last)
    block = model.get_layer("block_0")
    (up, up_bias), (down, down_bias) = block.up.get_weights(), block.down.get_weights()
    parts = (
        lambda x: attended(x, block.attention),
        lambda x: np.maximum(x @ up + up_bias, 0) @ down + down_bias,
    )
    for norm, part in zip(block.norms, parts, strict=True):
        own = norm.get_weights()
        y = y + part(normed(y, own)) if norm_first else normed(y + part(y), own)
    y = (normed(y, last) if norm_first else y).mean(0)
    kernel, bias = model.layers[-1].get_weights()
    np.testing.assert_allclose(model(x[None])[0], softmax(y @ kernel + bias), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("positions", ["learned", "rotary", "sinusoidal"])
@pytest.mark.parametrize(
    ("attention", "global_pool"),
    [
        ("full", "max"),
        ("full", "token"),
        ("full", "last"),
        ("sliding_window", "average"),
        ("linear", "max"),
    ],
)
def test_padding_changes_no_prediction_and_no_gradient(positions, attention, global_pool):
    """A row alone, with padding on either side, beside longer ones, and nothing but padding."""
    options = {"attention": attention, "window": 2, "dropout": 0.0, **TINY}
    options |= {"positions": positions, "global_pool": global_pool, "vocab_size": 9}
    model = dk.models.transformer_classifier((7,), 3, **options)
    among = np.array([[3, 5, 8, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6, 7], [0] * 7, [0, 0, 3, 5, 8, 0, 0]])
    alone = np.array([[0, 0, 0, 0, 3, 5, 8]])
    found = model(among).numpy()
    assert np.isfinite(found).all()
    for row in (0, 3):
        np.testing.assert_allclose(found[row], model(alone)[0], rtol=1e-4)

    def gradients(x):
        with tf.GradientTape() as tape:
            loss = model(x, training=True)[0, 1]
        return tape.gradient(loss, [weight.value for weight in model.trainable_variables])

    for one, other in zip(gradients(alone), gradients(among), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_places_make_a_difference():
    for positions in ("learned", "rotary", "sinusoidal"):
        model = dk.models.transformer_classifier(
            (4,), 3, vocab_size=9, positions=positions, **TINY | {"depth": 2}
        )
        one, other = model(np.array([[1, 2, 3, 4], [4, 3, 2, 1]])).numpy()
        assert np.abs(one - other).max() > 1e-5, positions


def test_texts_of_any_length_are_read():
    model = dk.models.transformer_classifier((None,), 3, vocab_size=9, **TINY)
    assert model(np.ones((2, 5))).shape == model(np.ones((2, 50))).shape == (2, 3)


def test_an_image_is_read_row_by_row():
    image = np.random.default_rng(0).normal(size=(2, 6, 3, 2)).astype("float32")
    by_image = dk.models.transformer_classifier((6, 3, 2), 4, **TINY)
    by_rows = dk.models.transformer_classifier((6, 6), 4, **TINY)
    np.testing.assert_array_equal(by_image(image), by_rows(image.reshape(2, 6, 6)))


@pytest.mark.parametrize("options", [{"attention": "linear"}, {"global_pool": "token", "units": 4}])
def test_a_saved_model_predicts_the_same(options, tmp_path):
    model = dk.models.transformer_classifier((6,), 3, vocab_size=9, **TINY, **options)
    model.save(tmp_path / "model.keras")
    x = np.array([[3, 5, 8, 0, 0, 0], [1, 2, 3, 4, 5, 6]])
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(again(x), model(x))


def test_it_learns_to_tell_spam():
    data = dk.data.load("sms_spam", seed=0, length=32)
    model = dk.models.build("transformer_classifier", data, seed=0, hidden_dim=32, depth=1)
    model.fit(data.train, epochs=2, verbose=0)
    assert model.evaluate(data.test, return_dict=True, verbose=0)["accuracy"] > 0.95


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"num_heads": 3}, "num_heads=3 does not divide hidden_dim=8"),
        ({"positions": "rotating"}, "positions must be one of"),
        ({"positions": "learned", "input_shape": (None,)}, "needs a fixed length"),
        ({"global_pool": "tokens"}, "Did you mean 'token'"),
        ({"global_pool": "token", "attention": "sliding_window"}, "sees its own window alone"),
        ({"attention": "lineal"}, "Did you mean 'linear'"),
        ({"activation": "gelo"}, "Did you mean 'gelu'"),
        ({"depth": 0}, "depth"),
        ({"units": 0}, "units"),
        ({"dropout": 1.0}, "dropout"),
        ({"vocab_size": None}, "Tokens need vocab_size"),
    ],
)
def test_bad_options_are_refused(options, words):
    given = {"input_shape": (5,), "num_classes": 3, "vocab_size": 9, **TINY, **options}
    with pytest.raises(InputError, match=words):
        dk.models.transformer_classifier(**given)
