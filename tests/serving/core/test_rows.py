import numpy as np
import pytest

from dlkit.serving.core.rows import count_rows, join_rows, row_shapes, split_rows
from dlkit.serving.core.status import StatusError


def test_rows_of_several_requests():
    first = {"a": np.float32([[1, 2], [3, 4]]), "b": np.int32([5, 6])}
    second = {"a": np.float32([[7, 8]]), "b": np.int32([9])}
    joined = join_rows([first, second], 3)
    assert joined["a"].tolist() == [[1, 2], [3, 4], [7, 8]]
    assert joined["b"].tolist() == [5, 6, 9]
    assert (joined["a"].dtype, joined["b"].dtype) == (np.float32, np.int32)
    assert (count_rows(first), row_shapes(first)) == (2, ((2,), ()))
    parts = split_rows({"y": joined["a"] * 2}, [2, 1], 3)
    assert [part["y"].tolist() for part in parts] == [[[2, 4], [6, 8]], [[14, 16]]]


def test_b5_a_valid_row_fills_up_and_is_dropped_again():
    joined = join_rows([{"x": np.float32([[1, 2]])}, {"x": np.float32([[3, 4]])}], 4)
    assert joined["x"].tolist() == [[1, 2], [3, 4], [3, 4], [3, 4]]
    parts = split_rows({"y": joined["x"][:, 0]}, [1, 1], 4)
    assert [part["y"].tolist() for part in parts] == [[1], [3]]


def test_b7_rows_of_different_shapes_are_filled_up():
    requests = [{"x": np.int64([[1, 2, 3]])}, {"x": np.int64([[4], [5]])}]
    assert join_rows(requests, 3, pad_variable=True)["x"].tolist() == [
        [1, 2, 3],
        [4, 4, 4],
        [5, 4, 4],
    ]
    texts = [np.array([[b"a"]], object), np.array([[b"b", b"c"]], object)]
    joined = join_rows([{"x": text} for text in texts], 2, pad_variable=True)
    assert joined["x"].tolist() == [[b"a", b"a"], [b"b", b"c"]]
    square = [{"x": np.ones((1, 2, 2))}, {"x": np.zeros((1, 1, 3))}]
    assert join_rows(square, 2, pad_variable=True)["x"].shape == (2, 2, 3)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"x": np.float32(1)}, "Batching Run() input tensors must have at least one dimension"),
        (
            {"a": np.ones(2), "b": np.ones(3)},
            "Batching Run() input tensors must have equal 0th-dimension size",
        ),
    ],
)
def test_b6_what_has_no_rows(inputs, message):
    with pytest.raises(StatusError) as caught:
        count_rows(inputs)
    assert (caught.value.code, caught.value.message) == ("INVALID_ARGUMENT", message)


def test_outputs_without_a_row_for_each():
    with pytest.raises(StatusError, match="Batched output tensor has 0 dimensions"):
        split_rows({"y": np.float32(1)}, [1], 1)
    with pytest.raises(StatusError, match=r"does not equal the sum .*: 1 instead of 2") as caught:
        split_rows({"y": np.ones(1)}, [1, 1], 2)
    assert caught.value.code == "FAILED_PRECONDITION"
