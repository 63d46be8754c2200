import re

import pytest

from dlkit.cli.options import parse_options, parse_space
from dlkit.errors import InputError
from dlkit.models.hyperparameters import Choice, Float, Int


@pytest.mark.parametrize(
    ("pairs", "options"),
    [
        ([], {}),
        (["units=64,32"], {"units": (64, 32)}),
        (["units=64"], {"units": 64}),
        (["units=(64,)"], {"units": (64,)}),
        (["rate=1e-3", "flag=False", "none=None"], {"rate": 0.001, "flag": False, "none": None}),
        (["optimizer=adam"], {"optimizer": "adam"}),
        (["text='64'"], {"text": "64"}),
        (["empty="], {"empty": ""}),
        (["path=a=b"], {"path": "a=b"}),
        (["code=__import__('os')"], {"code": "__import__('os')"}),
    ],
)
def test_options_are_read_as_literals(pairs, options):
    assert parse_options(pairs) == options


def test_a_pair_given_twice_is_refused():
    with pytest.raises(InputError, match=r"--data-option length is given twice"):
        parse_options(["length=3", "length=4"], "--data-option", "encoding=tf_idf")


@pytest.mark.parametrize("pair", ["units", "", "=", "=3", "a-b=3", "a b=3", "1=2"])
def test_what_is_no_pair_is_refused(pair):
    with pytest.raises(InputError, match=re.escape(f"Received: {pair!r}.")):
        parse_options([pair])


def test_what_is_searched_is_written_as_choices_and_ranges():
    assert parse_space(
        ["units=64|128,64|()", "rate=1e-4..1e-2:log", "dropout=0.0..0.5:0.1", "size=3", "n=1..4"]
    ) == {
        "units": Choice([64, (128, 64), ()]),
        "rate": Float(1e-4, 1e-2, sampling="log"),
        "dropout": Float(0.0, 0.5, step=0.1),
        "size": 3,
        "n": Int(1, 4),
    }
    assert parse_space(["n=8..64:log:2"]) == {"n": Int(8, 64, step=2, sampling="log")}
    assert parse_space(["pool=max|average"]) == {"pool": Choice(["max", "average"])}


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ("rate", "--space takes key=value"),
        ("rate=a..b", "LOW..HIGH.*Received: rate=a..b"),
        ("rate=1..2:3:4", "LOW..HIGH"),
        ("rate=2..1", "lower end below"),
        ("pool=max|max", "each once"),
    ],
)
def test_what_is_no_space_is_refused(pair, words):
    with pytest.raises(InputError, match=words):
        parse_space([pair])
