import numpy as np
import pytest
import tensorflow as tf

from dlkit.errors import InputError
from dlkit.export.sample_inputs import sample_inputs

SPECS = {
    "image": tf.TensorSpec((None, None, 8, 3), tf.uint8),
    "text": tf.TensorSpec((None,), tf.string),
    "size": tf.TensorSpec((None, 2), tf.float64),
    "flag": tf.TensorSpec((None, 5), tf.bool),
}


def test_made_up_rows_fit_the_specs_and_vary():
    rows = sample_inputs(SPECS, None, 3)
    assert {name: (row.shape, row.dtype.name) for name, row in rows.items()} == {
        "image": ((3, 32, 8, 3), "uint8"),
        "text": ((3,), "object"),
        "size": ((3, 2), "float64"),
        "flag": ((3, 5), "bool"),
    }
    assert set(np.unique(rows["image"])) == {0, 1}  # an index into any vocabulary
    assert all(isinstance(text, bytes) for text in rows["text"])
    assert rows["flag"].any() and not rows["flag"].all()
    again = sample_inputs(SPECS, None, 3)
    assert all(np.array_equal(rows[name], again[name]) for name in rows)


def test_too_few_examples_are_repeated_and_take_the_input_s_type():
    spec = {"row": tf.TensorSpec((None, 2), tf.float32)}
    rows = sample_inputs(spec, np.array([[1, 2], [3, 4]]), 5)["row"]
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, [[1, 2], [3, 4], [1, 2], [3, 4], [1, 2]])


def test_named_examples_and_texts():
    specs = {name: SPECS[name] for name in ("text", "size")}
    examples = {"size": np.zeros((2, 2)), "text": np.array(["one", "two"])}
    rows = sample_inputs(specs, examples, 3)
    assert rows["text"].tolist() == ["one", "two", "one"]
    assert rows["size"].shape == (3, 2)


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        (np.zeros((3, 5)), r"input 'row', which is \(None, 2\)\. Received: .* shape \(3, 5\)"),
        (np.zeros((0, 2)), r"Received: examples of shape \(0, 2\)"),
        ({"column": np.zeros((3, 2))}, r"the inputs \['row'\]\. Received: \['column'\]"),
    ],
)
def test_examples_that_do_not_fit(examples, message):
    with pytest.raises(InputError, match=message):
        sample_inputs({"row": tf.TensorSpec((None, 2), tf.float32)}, examples, 3)
