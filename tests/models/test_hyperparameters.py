import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.models.hyperparameters import Boolean, Choice, Float, Int
from dlkit.tuning.spaces import check_space


def test_the_first_value_is_the_default_unless_it_is_told():
    assert Choice([3, 5]).default == 3
    assert Choice([3, 5], default=5).default == 5
    assert Choice([1.0, None]).default is None
    assert Choice([(), (8,)]).default == ()
    assert Float(0.1, 0.5).default == 0.1
    assert Int(2, 8, default=4).default == 4
    assert Boolean().default is False


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Choice([]), "one value or more"),
        (lambda: Choice("adam"), "list of values. Received: values='adam'"),
        (lambda: Choice([1, 1]), "each once"),
        (lambda: Choice([object()]), "that Python can write down.*Received: <object"),
        (lambda: Choice([1, 2], default=3), "one of its values. Received: default=3"),
        (lambda: Float(1, 0), "lower end below the upper one. Received: 1, 0"),
        (lambda: Float(0.1, 0.1), "lower end below the upper one"),
        (lambda: Float(0, 1, sampling="log"), "ends above 0"),
        (lambda: Float(0, float("inf")), "Float takes numbers. Received: inf"),
        (lambda: Float(0, 1, sampling="exp"), "Float's sampling"),
        (lambda: Float(1, 8, step=1, sampling="log"), "step must be above 1"),
        (lambda: Float(0, 1, step=0), "step must be above 0"),
        (lambda: Float(0, 1, default=2), "in its range. Received: default=2"),
        (lambda: Int(1, 2.5), "Int takes whole numbers. Received: 2.5"),
        (lambda: Int(True, 5), "Int takes whole numbers. Received: True"),
        (lambda: Int(None, 5), "Int takes whole numbers. Received: None"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_a_sentence(make, words):
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        make()


@pytest.mark.parametrize("info", dk.models.list(), ids=lambda info: info.name)
def test_each_builder_declares_options_that_it_has_with_its_own_defaults(info):
    assert check_space(info.name, info.space)
    assert {"learning_rate", "batch_size"} <= info.space.keys()
