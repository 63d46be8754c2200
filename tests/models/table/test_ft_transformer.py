import numpy as np
import pytest

import dlkit as dk
from dlkit.errors import InputError
from tests.models.test_encoder import RNG, encoded, normalized, randomized

TINY = {"architecture": "ft_transformer", "embedding_dim": 8, "depth": 2, "num_heads": 2}
TINY |= {"mlp_ratio": 1.5, "activation": "gelu", "dropout": 0.0, "seed": 0}


def test_a_prediction_is_what_numpy_computes():
    columns = (0, 1, 1, 2)
    model = dk.models.tabular((4,), 1, task="regression", feature_columns=columns, **TINY)
    weights = list(randomized(model))
    x = RNG.normal(size=(3, 4)).astype("float32")
    for row, found in zip(x, model(x), strict=True):
        left = iter(weights)
        kernel, bias, token = (next(left) for _ in range(3))
        vectors = bias.copy()
        for feature, column in enumerate(columns):
            vectors[column] += row[feature] * kernel[feature]
        tokens = np.concatenate([token.reshape(1, 8), vectors])
        for _ in range(2):
            tokens = encoded(tokens, left)
        y = normalized(tokens[0], next(left), next(left))
        y = y * 0.5 * (1 + np.vectorize(__import__("math").erf)(y / np.sqrt(2)))
        np.testing.assert_allclose(found, y @ next(left) + next(left), rtol=1e-3, atol=1e-3)
        assert list(left) == []


def test_weights_are_as_many_as_the_papers_layers_have():
    """A token for each of 3 numbers (w and b), a category of 5 words, and the class token."""
    width, inside, depth = 32, 64, 3
    model = dk.models.tabular(
        *((8,), 4),
        architecture="ft_transformer",
        feature_columns=(0, 1, 2, 3, 3, 3, 3, 3),
        embedding_dim=width,
        depth=depth,
        mlp_ratio=inside / width,
    )
    tokens = 8 * width + 4 * width + width
    attention = 4 * (width * width + width)
    dense = width * inside + inside + inside * width + width
    last = 2 * width + width * 4 + 4
    assert model.count_params() == tokens + depth * (attention + dense + 4 * width) + last


def test_the_order_of_columns_is_nothing_to_it():
    """But by the vectors that belong to them: attention has no places here."""
    model = dk.models.tabular((3,), 2, **TINY)
    x = RNG.normal(size=(5, 3)).astype("float32")
    before, layer = model(x).numpy(), model.get_layer("columns")
    turned = [2, 0, 1]
    layer.set_weights([weight[turned] for weight in layer.get_weights()])
    np.testing.assert_allclose(model(x[:, turned]), before, rtol=1e-4, atol=1e-5)


def test_heads_divide_the_width():
    with pytest.raises(InputError, match=r"num_heads.*3"):
        dk.models.tabular((3,), 2, **TINY | {"num_heads": 3})
