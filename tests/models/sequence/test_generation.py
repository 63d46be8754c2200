"""Writing on: with the kept keys and values as without them, token by token."""

import keras
import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.models.sequence.generation import choose

TINY = {"hidden_dim": 16, "depth": 2, "num_heads": 2, "seed": 0}


def make(context=40, **options):
    """Return a network whose weights are large enough to write nothing twice."""
    model = dk.models.gpt((context,), 30, **{**TINY, **options})
    rng = np.random.default_rng(0)
    for weight in model.trainable_variables:
        if len(weight.shape) > 1:
            weight.assign(rng.normal(scale=0.6, size=weight.shape))
    return model


def write_slowly(model, prompt, length):
    """Read all anew for each token, as a loop over `model.predict` does."""
    tokens = np.array(prompt)
    for _ in range(length):
        following = np.array(model(tokens))[:, -1]
        following[:, 0] = -1  # padding is not written
        tokens = np.concatenate([tokens, following.argmax(axis=-1)[:, np.newaxis]], axis=1)
    return tokens


@pytest.mark.parametrize("positions", ["learned", "rotary", "sinusoidal"])
@pytest.mark.parametrize("attention", ["full", "sliding_window", "linear"])
def test_what_is_kept_changes_no_token(positions, attention):
    model = make(positions=positions, attention=attention, window=3)
    prompt = np.array([[0, 0, 5, 9], [7, 3, 21, 2]])
    found = model.generate(prompt, 20, temperature=0)
    np.testing.assert_array_equal(found, write_slowly(model, prompt, 20))
    assert len(np.unique(found)) > 8  # it is not one token all along
    np.testing.assert_array_equal(model.generate([5, 9], 20, temperature=0)[0], found[0, 2:])


def test_what_is_drawn_follows_the_probabilities():
    model, prompt = make(), np.tile([[4, 8, 15]], (4000, 1))
    wanted = np.array(model(prompt[:1]))[0, -1]
    wanted[0] = 0
    drawn = model.generate(prompt, 1, seed=3)[:, -1]
    counted = np.bincount(drawn, minlength=30) / len(drawn)
    np.testing.assert_allclose(counted, wanted / wanted.sum(), atol=0.03)


def test_seeds_decide_and_rows_stand_alone():
    model = make()
    first = model.generate([[4, 8, 15]], 12, seed=1)
    np.testing.assert_array_equal(model.generate([[4, 8, 15]], 12, seed=1), first)
    assert (model.generate([[4, 8, 15]], 12, seed=2) != first).any()
    assert (model.generate([[4, 8, 15]], 12) != model.generate([[4, 8, 15]], 12)).any()
    np.testing.assert_array_equal(model.generate([[4, 8, 15]], 20, seed=1)[:, :15], first)


def test_top_k_and_top_p_keep_the_likeliest():
    shares = np.array([[0.3, 0.1, 0.25, 0.05, 0.2, 0.1]], "float32")  # 0 is padding

    def drawn(temperature=1.0, top_k=99, top_p=1.0):
        how = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
        how = {key: keras.ops.array([value]) for key, value in how.items()}
        draws = np.linspace(0, 1, 200, endpoint=False, dtype="float32")
        return [int(choose(shares, draws[i : i + 1], how)[0]) for i in range(200)]

    assert set(drawn()) == {1, 2, 3, 4, 5}
    counted = np.bincount(drawn(), minlength=6)[1:] / 200
    np.testing.assert_allclose(counted, shares[0, 1:] / 0.7, atol=0.02)
    assert set(drawn(top_k=2)) == {2, 4}
    assert set(drawn(top_p=0.3)) == {2}  # 0.25 / 0.7 is more than that alone
    assert set(drawn(top_p=0.5)) == {2, 4}
    colder = np.bincount(drawn(temperature=0.5), minlength=6)[1:] / 200
    np.testing.assert_allclose(colder, shares[0, 1:] ** 2 / (shares[0, 1:] ** 2).sum(), atol=0.02)


def test_a_file_writes_the_same(tmp_path):
    model = make()
    before = model.generate([3, 1, 4], 9, seed=5)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(again.generate([3, 1, 4], 9, seed=5), before)
    assert [w.path for w in again.weights] == [w.path for w in model.weights]


def test_what_was_trained_meanwhile_counts():
    model = make()
    before = model.generate([3, 1, 4], 9, temperature=0)
    model.set_weights([weight[::-1] for weight in model.get_weights()])
    np.testing.assert_array_equal(
        model.generate([3, 1, 4], 9, temperature=0), write_slowly(model, [[3, 1, 4]], 9)
    )
    assert (model.generate([3, 1, 4], 9, temperature=0) != before).any()


@pytest.mark.parametrize(
    ("prompt", "options", "words"),
    [
        ([], {}, "at least one token each"),
        ([[0, 0]], {}, "Each prompt must have a token"),
        ([[3, 0, 4]], {}, r"Received: \[3, 0, 4\]"),
        ([[3.5]], {}, "whole numbers"),
        ("abc", {}, "whole numbers"),
        ([[3, 30]], {}, "from 0 to 29. Received: 3 to 30"),
        ([[-1]], {}, "Received: -1"),
        ([[3] * 38], {"length": 5}, "behind a prompt of 38 it can write 2"),
        ([[3]], {"length": 0}, "length must be"),
        ([[3]], {"temperature": -1}, "temperature must be"),
        ([[3]], {"temperature": float("nan")}, "temperature must be"),
        ([[3]], {"top_k": 0}, "top_k must be"),
        ([[3]], {"top_p": 0}, "top_p must be"),
        ([[3]], {"top_p": 1.5}, "top_p must be"),
        ([[3]], {"seed": -1}, "seed must be"),
    ],
)
def test_bad_requests_are_refused(prompt, options, words):
    with pytest.raises(InputError, match=words):
        MODEL.generate(prompt, **{"length": 3, **options})


MODEL = make()
