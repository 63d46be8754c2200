import keras
import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.layers import TransformerBlock

X = np.random.default_rng(0).normal(size=(2, 7, 16)).astype("float32")


def normed(x):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


@pytest.mark.parametrize("norm_first", [False, True])
def test_normalizations_stand_where_they_are_said_to(norm_first):
    block = TransformerBlock(2, 24, norm_first=norm_first, activation="relu")
    block.build(X.shape)
    up, up_bias, down, down_bias = (
        weight for layer in (block.up, block.down) for weight in layer.get_weights()
    )

    def attend(x):
        return keras.ops.convert_to_numpy(block.attention(x))

    def change(x):
        return np.maximum(x @ up + up_bias, 0) @ down + down_bias

    wanted = X
    for part in (attend, change):
        wanted = wanted + part(normed(wanted)) if norm_first else normed(wanted + part(wanted))
    np.testing.assert_allclose(block(X), wanted, atol=1e-5)


def test_the_small_gpt_2_and_bert_base_have_the_published_weights():
    """12 blocks of 768 units: 85,054,464 in both."""
    for causal, norm_first in ((True, True), (False, False)):
        block = TransformerBlock(12, 3072, causal=causal, norm_first=norm_first)
        block.build((None, None, 768))
        assert 12 * block.count_params() == 85_054_464


def test_parts_are_dropped_in_training_alone():
    block = TransformerBlock(2, 24, dropout=0.5, stochastic_depth=0.5)
    one, other = block(X, training=True), block(X, training=True)
    assert np.abs(one - other).max() > 0.1
    np.testing.assert_array_equal(block(X), block(X))


def test_another_attention_is_refused():
    with pytest.raises(InputError, match="Did you mean 'linear'"):
        TransformerBlock(2, 24, attention="linera")
