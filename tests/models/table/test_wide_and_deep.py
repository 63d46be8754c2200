import numpy as np

import dlkit as dk
from tests.models.test_encoder import RNG, randomized

TINY = {"architecture": "wide_and_deep", "units": (5,), "embedding_dim": 2, "dropout": 0.0}
TINY |= {"feature_columns": (0, 1, 1, 2), "seed": 0}


def test_the_prediction_is_of_the_sum_of_a_linear_model_and_a_network():
    model = dk.models.tabular((4,), 3, **TINY)
    vectors, bias, kernel, shift, *last = randomized(model)
    by_shape = {weight.shape: weight for weight in last}
    x = RNG.normal(size=(6, 4)).astype("float32")
    columns = np.zeros((6, 3, 2)) + bias
    for feature, column in enumerate((0, 1, 1, 2)):
        columns[:, column] += x[:, [feature]] * vectors[feature]
    deep = np.maximum(columns.reshape(6, -1) @ kernel + shift, 0) @ by_shape[5, 3]
    wide = x @ by_shape[4, 3] + by_shape[3,]
    powers = np.exp(wide + deep)
    expected = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model(x), expected, rtol=1e-3, atol=1e-5)


def test_the_wide_part_remembers_a_combination_that_is_crossed():
    """Whether two categories differ is no sum over them; no hidden layer is there to find it."""
    random = np.random.default_rng(0)
    left, right = random.integers(0, 2, (2, 400)).astype(bool)
    table = {"left": np.where(left, "a", "b"), "right": np.where(right, "c", "d")}
    table["differ"] = (left ^ right).astype(int)
    scores = {}
    for crosses in ((), [("left", "right")]):
        data = dk.data.from_dataframe(table, "differ", crosses=crosses, batch_size=32)
        options = {"architecture": "wide_and_deep", "units": (), "learning_rate": 0.1, "seed": 0}
        model = dk.models.build("tabular", data, **options)
        model.fit(data.train, epochs=4, verbose=0)
        scores[bool(crosses)] = model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"]
    assert scores[True] == 1.0 and scores[False] < 0.8


def test_it_starts_as_the_deep_part_alone():
    model = dk.models.tabular((4,), 3, **TINY)
    assert not model.get_layer("wide").kernel.numpy().any()
