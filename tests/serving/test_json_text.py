import json
import math

import pytest

from dlkit.serving.json_text import debug_text, parse, pretty, type_name
from dlkit.serving.status import StatusError


def error_of(body):
    with pytest.raises(StatusError) as caught:
        parse(body)
    assert caught.value.code == "INVALID_ARGUMENT"
    return caught.value.message


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, 2.5, "x", true, null]}', {"a": [1, 2.5, "x", True, None]}),
        (b' \r\n\t{"a": 1} and more', {"a": 1}),
        (b'{"a": [Infinity, -Infinity]}', {"a": [math.inf, -math.inf]}),
        ('{"a": "\u00e9", "b": NaN}'.encode(), None),
        (b'{"a": "\\ud83d\\ude00", "b": Infinity}', {"a": "\U0001f600", "b": math.inf}),
        (b'{"a": 1e400}', {"a": math.inf}),
    ],
)
def test_what_rapidjson_reads(body, value):
    found = parse(body)
    if value is None:
        assert found["a"] == "\u00e9"
        assert math.isnan(found["b"])
    else:
        assert found == value


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "The document is empty"),
        (b" \n", "The document is empty"),
        (b"instances = [1, 2]", "Invalid value. at offset: 0"),
        ('{"\u00e9": x}'.encode(), "Invalid value. at offset: 7"),
        (b"{1: 2}", "Missing a name for object member. at offset: 1"),
        (b'{"a" 1}', "Missing a colon after a name of object member. at offset: 5"),
        (b'{"a": 1 "b"', "Missing a comma or } after an object member. at offset: 8"),
        (b'{"a": [1 2]}', "Missing a comma or ] after an array element. at offset: 9"),
        (b'{"a": "b', "Missing a closing quotation mark in string. at offset: 6"),
        (b'{"a": "\\x"}', "Invalid escape character in string. at offset: 7"),
        (b'{"a": "\\u12g4"}', "Incorrect hex digit after \\u escape in string. at offset: 8"),
        (b'{"a": "\\ud800"}', "The surrogate pair in string is invalid. at offset: 0"),
        (b'{"a": "\xff"}', "Invalid encoding in string. at offset: 7"),
    ],
)
def test_rapidjsons_words_and_offsets(body, error):
    assert error_of(body) == f"JSON Parse error: {error}"


def test_p7_deep_nesting_is_cut_and_text_in_strings_is_not_nesting():
    deep = b"[" * 5000 + b"]" * 5000
    found = parse(b'{"text": "' + b"[{" * 400 + b'\\"", "deep": ' + deep + b', "x": [1]}')
    assert found["x"] == [1]
    assert found["text"] == "[{" * 400 + '"'


def test_unbalanced_deep_nesting_is_malformed():
    assert error_of(b"[" * 100_000).startswith("JSON Parse error: ")


def test_deep_and_large_is_refused_at_once():
    assert "nested deeper" in error_of(b"[" * (9 * 2**20))


def test_p43_debug_text_is_cut():
    assert debug_text({"a": [1, "b", None, True, 1.5]}) == '{"a":[1,"b",null,true,1.5]}'
    assert debug_text([0] * 10**6) == "[" + "0," * 127 + "0..."
    assert len(debug_text("x" * 10**6)) < 300


def test_type_names():
    values = [None, True, False, {}, [], "", 1, 1.5]
    wanted = ["Null", "True", "False", "Object", "Array", "String", "Number", "Number"]
    assert [type_name(value) for value in values] == wanted


def test_pretty_survives_any_text():
    assert pretty({"a": {"b": 1}}) == b'{\n    "a": {\n        "b": 1\n    }\n}'
    assert json.loads(pretty({"a": "\ud800"})) == {"a": "?"}
