"""Attention against its equation in NumPy, for each kind of it."""

import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.layers import LinearAttention, SelfAttention, SlidingWindowAttention

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 11, 16)).astype("float32")
MASK = np.arange(11) < np.array([[11], [7]])


def by_hand(layer, x, mask, visible):
    """Softmax over the keys that a query may see, head by head."""
    kernel, bias, out, out_bias = layer.get_weights()[:4]
    parts = np.split(x @ kernel + bias, 3 * layer.num_heads, axis=-1)
    heads, read = layer.num_heads, []
    for head in range(heads):
        query, key, value = parts[head], parts[heads + head], parts[2 * heads + head]
        scores = query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1])
        scores = np.where(visible[np.newaxis] & mask[:, np.newaxis], scores, -np.inf)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        read.append(weights / weights.sum(axis=-1, keepdims=True) @ value)
    return np.concatenate(read, axis=-1) @ out + out_bias


def apart(count):
    return np.arange(count)[:, np.newaxis] - np.arange(count)


@pytest.mark.parametrize("causal", [False, True])
def test_full_attention_is_that_of_the_paper(causal):
    layer = SelfAttention(4, causal=causal)
    found = keras.ops.convert_to_numpy(layer(X, padding_mask=MASK))
    wanted = by_hand(layer, X, MASK, apart(11) >= (0 if causal else -11))
    np.testing.assert_allclose(found[MASK], wanted[MASK], atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("window", [1, 2, 3, 5, 11, 40])
def test_a_window_hides_what_is_further_away(causal, window):
    layer = SlidingWindowAttention(2, window=window, causal=causal)
    found = keras.ops.convert_to_numpy(layer(X, padding_mask=MASK))
    near = (apart(11) <= window) & (apart(11) >= (0 if causal else -window))
    # What is padding and sees padding alone has no mean, and no prediction takes it.
    sees = (near & MASK[:, np.newaxis]).any(axis=-1) & MASK
    with np.errstate(invalid="ignore"):
        wanted = by_hand(layer, X, MASK, near)
    np.testing.assert_allclose(found[sees], wanted[sees], atol=1e-5)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("make", [SelfAttention, LinearAttention])
@pytest.mark.parametrize("rotary", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_padding_in_front_or_behind_changes_nothing(make, rotary, causal):
    layer = make(2, rotary=rotary, causal=causal)
    alone = keras.ops.convert_to_numpy(layer(X[:1]))
    for front, behind in ((3, 0), (0, 4), (2, 5)):
        wide = np.pad(X[:1], ((0, 0), (front, behind), (0, 0)), constant_values=7.0)
        mask = np.pad(np.ones((1, 11), bool), ((0, 0), (front, behind)))
        among = keras.ops.convert_to_numpy(layer(wide, padding_mask=mask))
        np.testing.assert_allclose(among[:, front : front + 11], alone, atol=1e-5)
        assert np.isfinite(among).all()


@pytest.mark.parametrize("make", [SelfAttention, LinearAttention, SlidingWindowAttention])
@pytest.mark.parametrize("rotary", [False, True])
def test_one_token_more_reads_as_in_the_whole(make, rotary):
    """The keys and values of those before it are kept, each at its place."""
    options = {"window": 4} if make is SlidingWindowAttention else {}
    layer = make(2, causal=True, rotary=rotary, **options)
    whole = keras.ops.convert_to_numpy(layer(X))
    query, key, value = layer.project(X, np.arange(11)[np.newaxis])
    for place in (0, 5, 10):
        seen = np.broadcast_to(np.arange(11) <= place, (2, 11))
        one = layer.extend(query[:, place : place + 1], key, value, keras.ops.array(seen))
        np.testing.assert_allclose(one[:, 0], whole[:, place], atol=1e-4)


def test_heads_have_to_divide_the_width():
    with pytest.raises(InputError, match="num_heads=3 does not divide hidden_dim=16; num_heads=2"):
        SelfAttention(3)(X)
    with pytest.raises(InputError, match=r"width must be even\. Received: 1 units a head"):
        SelfAttention(16, rotary=True)(X)
    with pytest.raises(InputError, match="window must be"):
        SlidingWindowAttention(2, window=0)


@pytest.mark.parametrize("make", [SelfAttention, LinearAttention, SlidingWindowAttention])
def test_it_is_saved_and_loaded_and_takes_open_lengths(make, tmp_path):
    options = {"window": 4} if make is SlidingWindowAttention else {}
    inputs, mask = keras.Input((None, 16)), keras.Input((None,), dtype="bool")
    layer = make(2, causal=True, rotary=True, **options)
    model = keras.Model([inputs, mask], layer(inputs, padding_mask=mask))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    for count in (11, 6):
        given = [X[:, :count], MASK[:, :count]]
        np.testing.assert_array_equal(again(given), model(given))
