import contextlib
import json
import math

import pytest

from dlkit.serving.core.status import StatusError
from dlkit.serving.wire.rest_json.text import debug_text, parse_json, pretty, type_name
from tests.serving.growth import MOST, doubling

HUGE = (b"1e400", b"-1e400", b"9" * 400, b"-" + b"1" * 5000, b"1" * 5000 + b".5")


def error_of(body):
    with pytest.raises(StatusError) as caught:
        parse_json(body)
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
        (
            b'{"a": [Inf, -Inf, [Inf]], "Inf": "-NaN"}',
            {"a": [math.inf, -math.inf, [math.inf]], "Inf": "-NaN"},
        ),
        (b'\xef\xbb\xbf {"a": 1}', {"a": 1}),
        (b'\xef\xbb\xbf{"a": "\xef\xbb\xbf", "b": Inf}', {"a": "\ufeff", "b": math.inf}),
        (b"[18446744073709551616, -9223372036854775809]", [2.0**64, -(2.0**63)]),
        (b"[Inf, 18446744073709551615, 18446744073709551616]", [math.inf, 2**64 - 1, 2.0**64]),
        (b"[Inf, -9223372036854775808, -9223372036854775809]", [math.inf, -(2**63), -(2.0**63)]),
        (b"[Inf, -0, 1e-400, %b]" % (b"1" * 300), [math.inf, 0, 0.0, float("1" * 300)]),
    ],
)
def test_what_rapidjson_reads(body, value):
    found = parse_json(body)
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
        (b"\xef\xbb\xbf \n", "The document is empty"),
        (b"\xef\xbb\xbf{x}", "Missing a name for object member. at offset: 4"),
        (b"instances = [1, 2]", "Invalid value. at offset: 0"),
        (b"[Inf, -Inf, x]", "Invalid value. at offset: 12"),
        (b"[Infinit]", "Invalid value. at offset: 1"),
        (b"[--Inf]", "Invalid value. at offset: 1"),
        (b"[Info]", "Missing a comma or ] after an array element. at offset: 4"),
        (
            b"[Inf, %b x]" % (b"[" * 5000 + b"]" * 5000),
            "Missing a comma or ] after an array element. at offset: 10007",
        ),
        *(
            (b"[%b]" % number, "Number too big to be stored in double. at offset: 1")
            for number in HUGE
        ),
        *(
            (b"[NaN, %b]" % number, "Number too big to be stored in double. at offset: 6")
            for number in HUGE
        ),
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
    found = parse_json(b'{"text": "' + b"[{" * 400 + b'\\"", "deep": ' + deep + b', "x": [1]}')
    assert found["x"] == [1]
    assert found["text"] == "[{" * 400 + '"'


@pytest.mark.parametrize("depth", [290, 310, 970, 982, 990, 1000, 1024, 1100])
@pytest.mark.parametrize(
    "beside", [b"NaN", b'"\\ud83d\\ude00"', b"-Inf, NaN", b"1", b"1e400", b"x"]
)
def test_depths_that_one_parser_takes_and_another_does_not(depth, beside):
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        body = b'{"deep": %b1%b, "b": [%b]}' % (opening * depth, closing * depth, beside)
        try:
            found = parse_json(body)
        except StatusError as error:
            assert beside in (b"1e400", b"x")
            assert str(body.index(beside)) in error.message
        else:
            assert len(debug_text(found)) < 300
            assert type_name(found["b"]) == "Array"


SAID = {
    "an unclosed text of quotes": (b"[" * 2000 + b'"', b'\\"', b""),
    "an unclosed text of backslashes": (b"[" * 2000 + b'"', b"\\", b""),
    "texts": (b"[" * 2000, b'"[\\"",', b""),
    "one text": (b'[NaN, "', b"x", b'"]'),
    "escapes": (b'[NaN, "', b"\\ud83d\\ude00", b'"]'),
    "lone surrogates": (b'[NaN, "', b"\\ud83d", b'"]'),
    "surrogates in many texts": (b"[NaN", b',"\\ud83d\\ude00"', b', "\\ud83d"]'),
    "words": (b"[", b"-Inf,", b"x]"),
    "words that are none": (b"[Inf", b",-Infinit", b"]"),
    "closed brackets": (b"[" * 2000 + b"]" * 2000, b"[]", b""),
    "open brackets": (b"", b"[", b""),
    "objects": (b"", b'{"a":', b""),
    "lists of empty lists": (b"[NaN", b",[]", b"]"),
    "a long number": (b"[NaN, ", b"1", b"]"),
    "a long fraction": (b"[NaN, 0.", b"1", b"]"),
    "a long exponent": (b"[NaN, 1e-", b"1", b"]"),
    "numbers": (b"[NaN", b",123456789.5", b"]"),
    "blanks": (b"", b" ", b"[x]"),
    "marks": (b"\xef\xbb\xbf", b"\xef\xbb\xbf", b""),
    "names": (b'{"a": NaN', b', "a": 1', b"}"),
}


@pytest.mark.parametrize("name", SAID)
def test_no_text_takes_more_than_linear_time(name):
    before, again, after = SAID[name]

    def read(body):
        with contextlib.suppress(StatusError):
            parse_json(body)

    assert doubling(read, lambda n: before + again * n + after, 4000) <= MOST


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
