"""What a signature must be and give to classify or regress: rows C12 and C13."""

import numpy as np
import pytest

from dlkit.serving.core.classify_regress import as_inputs, read_classes, read_values
from dlkit.serving.core.signatures import Signature, TensorInfo
from dlkit.serving.core.status import StatusError


def ask(verb, examples, taken="DT_STRING", **outputs):
    """Return what a signature's `outputs` say, whatever it is asked."""
    dtypes = {"O": "DT_STRING", "f": "DT_FLOAT", "d": "DT_DOUBLE"}
    infos = {name: TensorInfo(dtypes[array.dtype.char]) for name, array in outputs.items()}
    signature = Signature({"inputs": TensorInfo(taken, (-1,))}, infos)
    key, inputs = as_inputs({"serving_default": signature}, verb, "", examples)
    assert (key, inputs["inputs"].tolist()) == ("serving_default", examples)
    read = read_classes if verb == "classify" else read_values
    return read(signature, outputs, len(examples))


NAMES = np.array([[b"a", b"b"]], object)


def test_scores_or_classes_may_be_missing():
    scores = np.float32([[1, 2]])
    assert ask("classify", [b""], scores=scores) == [[("", 1.0), ("", 2.0)]]
    assert ask("classify", [b""], classes=NAMES) == [[("a", 0.0), ("b", 0.0)]]


@pytest.mark.parametrize(
    ("outputs", "text"),
    [
        (
            {"scores": np.float32([1])},
            "shape: [batch_size num_classes] but got [1]",
        ),
        ({"scores": np.float64([[1]])}, "Expected scores Tensor of DT_FLOAT. Got: DT_DOUBLE"),
        ({"classes": np.float32([[1]])}, "Expected classes Tensor of DT_STRING. Got: DT_FLOAT"),
        ({"scores": np.float32([[1]] * 3)}, "Expected scores output batch size of 1. Got: 3"),
        ({"scores": np.float32([[1]]), "classes": NAMES}, "match in dim_size(1). Got 2 vs. 1"),
        ({"labels": NAMES}, 'contain at least one of "classes" or "scores". Signature was'),
        ({name: NAMES for name in "abc"}, "Expected one or two output Tensors, found 3"),
    ],
)
def test_c12_what_does_not_classify(outputs, text):
    with pytest.raises(StatusError) as caught:
        ask("classify", [b""], **outputs)
    assert text in str(caught.value)
    assert caught.value.http_status == 400


@pytest.mark.parametrize("outputs", [np.float32([1, 2]), np.float32([[1], [2]])])
def test_c13_a_number_a_row(outputs):
    assert ask("regress", [b"", b""], outputs=outputs) == [1.0, 2.0]


@pytest.mark.parametrize(
    ("outputs", "text"),
    [
        ({"outputs": np.float32([[1, 2]])}, "[batch_size, 1] but got [1,2]"),
        ({"outputs": np.float32([1, 2])}, "did not match output batch size: 1 vs. 2"),
        ({"outputs": np.float64([1])}, "Expected output Tensor of DT_FLOAT.  Got: DT_DOUBLE"),
        ({"y": np.float32([1])}, "No regression outputs found in SignatureDef"),
    ],
)
def test_c13_what_does_not_regress(outputs, text):
    with pytest.raises(StatusError) as caught:
        ask("regress", [b""], **outputs)
    assert text in str(caught.value)


def test_an_input_that_takes_no_strings():
    with pytest.raises(StatusError, match="to be float but string is provided"):
        ask("regress", [b""], "DT_FLOAT", outputs=np.float32([1]))


def test_c15_nothing_to_infer():
    with pytest.raises(StatusError, match=r"Input is empty\."):
        ask("regress", [], outputs=np.float32([1]))
