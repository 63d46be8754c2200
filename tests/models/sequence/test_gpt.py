import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError

TINY = {"hidden_dim": 16, "depth": 2, "num_heads": 2, "seed": 0}


def test_the_small_gpt_2_has_the_published_weights():
    options = {"hidden_dim": 768, "depth": 12, "num_heads": 12, "positions": "learned"}
    assert dk.models.gpt((1024,), 50_257, **options).count_params() == 124_439_808


@pytest.mark.parametrize("positions", ["learned", "rotary", "sinusoidal"])
@pytest.mark.parametrize("attention", ["full", "sliding_window", "linear"])
def test_no_prediction_looks_ahead_and_none_sees_padding(positions, attention):
    model = dk.models.gpt((12,), 20, positions=positions, attention=attention, window=3, **TINY)
    tokens = np.random.default_rng(0).integers(1, 20, (1, 9))
    found = np.asarray(model(tokens))
    other = tokens.copy()
    other[:, 6:] = 1 + other[:, 6:] % 19
    np.testing.assert_allclose(np.asarray(model(other))[:, :6], found[:, :6], atol=1e-6)
    padded = np.pad(tokens, ((0, 0), (3, 0)))
    np.testing.assert_allclose(np.asarray(model(padded))[:, 3:], found, atol=1e-6)


def test_predictions_are_compared_with_the_vectors_of_the_tokens():
    model = dk.models.gpt((8,), 11, **TINY)
    assert [w.shape for w in model.weights if 11 in w.shape] == [(11, 16)]
    tokens = np.array([[3, 1, 4]])
    model.get_layer("token_embedding").embeddings.assign(np.zeros((11, 16)))
    np.testing.assert_allclose(model(tokens), 1 / 11, atol=1e-6)


def test_it_learns_what_comes_next(tmp_path):
    """The next letter of a text that repeats itself is certain but for where it begins."""
    path = tmp_path / "text.txt"
    path.write_text("abcdefgh" * 800)
    data = dk.data.from_text_file(path, window=16, batch_size=16)
    model = dk.models.build("gpt", data, learning_rate=1e-2, **TINY)
    model.fit(data.train, epochs=3, verbose=0)
    assert model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"] > 0.99


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"num_heads": 3}, "num_heads=3 does not divide hidden_dim=16"),
        ({"positions": "rotating"}, "positions must be one of"),
        ({"hidden_dim": 6, "num_heads": 2}, "must be even"),
        ({"activation": "gelo"}, "Did you mean 'gelu'"),
        ({"mlp_ratio": 0.01}, "mlp_ratio"),
        ({"depth": 0}, "depth"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        dk.models.gpt((8,), 11, **{**TINY, **options})
