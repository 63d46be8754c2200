import json

import keras_tuner
import pytest

import dlkit as dk
from dlkit.errors import InputError
from dlkit.training.run_lock import unlock_run
from dlkit.tuning.project import check_project, describe_data, describe_space, open_project


def test_the_same_search_opens_its_directory_again(tmp_path):
    facts = {"strategy": "grid", "space": {"units": "Int"}, "shape": (3, None)}
    for _ in range(2):
        open_project(tmp_path / "a" / "b", facts)
    unlock_run(tmp_path / "a" / "b")
    assert json.loads((tmp_path / "a" / "b" / "search.json").read_text())["strategy"] == "grid"


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ({"strategy": "random"}, "strategy='grid', and now strategy='random'"),
        (
            {"space": {"units": "Int", "rate": "Float"}},
            "space.rate=None, and now space.rate='Float'",
        ),
        ({"space": {"units": "Choice"}}, "space.units='Int', and now space.units='Choice'"),
        ({"data": {"examples": "b"}}, "data.examples='a', and now data.examples='b'"),
    ],
)
def test_another_search_is_refused_and_the_difference_named(now, words, tmp_path):
    facts = {"strategy": "grid", "space": {"units": "Int"}, "data": {"examples": "a"}}
    open_project(tmp_path, facts)
    unlock_run(tmp_path)
    before = (tmp_path / "search.json").read_bytes()
    with pytest.raises(InputError, match=f"{words} is asked for: give the search another name"):
        open_project(tmp_path, facts | now)
    assert (tmp_path / "search.json").read_bytes() == before
    unlock_run(tmp_path)


def test_a_file_that_is_no_search_is_refused(tmp_path):
    (tmp_path / "search.json").write_text("{")
    with pytest.raises(InputError, match=r"search\.json cannot be read"):
        check_project(tmp_path, {})


def test_a_directory_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        open_project(tmp_path / "file" / "search", {})


def test_data_is_told_from_data_with_another_example():
    iris = dk.data.load("iris")
    assert describe_data(iris) == describe_data(dk.data.load("iris"))
    other = describe_data(iris.resplit(seed=1))
    assert other["examples"] != describe_data(iris)["examples"]
    assert describe_data(iris)["training examples"] == 108


def test_a_space_is_told_from_one_with_another_end():
    hp, other = keras_tuner.HyperParameters(), keras_tuner.HyperParameters()
    hp.Int("units", 1, 8)
    other.Int("units", 1, 9)
    assert describe_space(hp) != describe_space(other)
    json.dumps(describe_space(hp))
