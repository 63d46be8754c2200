"""JSON text <-> Python values, as forgiving as the parser inside TensorFlow Serving (RapidJSON).

orjson does the work; what it refuses and RapidJSON accepts (NaN, Infinity, text after the object,
deep nesting) goes to slower ways, and what both refuse gets RapidJSON's words.
"""

import json
import re
from typing import Any, NoReturn

import orjson

from dlkit.serving.status import invalid

# RapidJSON's texts for the ways in which Python's parser says that a document is malformed.
_PARSE_ERRORS = {
    "Expecting value": "Invalid value.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX escape": "Incorrect hex digit after \\u escape in string.",
}
_QUOTES = "JSON has double quotes around names and texts; a shell keeps them in '...'."
_EMPTY = "Send a JSON object; in gzip, a whole one that the server's max_body_bytes has room for."
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_MAX_DEPTH = 300  # a tensor has at most 254 axes
_MAX_DEEP_CHARACTERS = 8 * 2**20  # cutting is slow: bounded, so that no request can hold the server
_MAX_DEBUG_CHARACTERS = 256


def parse(body: bytes) -> Any:
    """Return the JSON value in `body`.

    Args:
        body: UTF-8 text. Bare NaN, Infinity and -Infinity are numbers; what follows the first value
            is ignored when it has to be parsed the slow way.

    Raises:
        StatusError: INVALID_ARGUMENT with RapidJSON's words and the offset in bytes.

    Example:
        >>> parse(b'{"instances": [1.0, NaN]}')
        {'instances': [1.0, nan]}
    """
    if not body or body.isspace():
        error = invalid("JSON Parse error: The document is empty")
        error.hint = _EMPTY
        raise error
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _parse_leniently(body)


def _parse_leniently(body: bytes) -> Any:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        _refuse("Invalid encoding in string.", error.start)
    try:
        value = _first_value(text)
    except json.JSONDecodeError as error:
        offset = len(text[: error.pos].encode("utf-8", "surrogatepass"))
        # A word where a name should be is what a shell makes of "{"instances": ...}".
        unquoted = text[error.pos : error.pos + 1]
        quotes = unquoted == "'" or (unquoted.isalpha() and "property name" in error.msg)
        _refuse(_rapidjson_text(error), offset, _QUOTES if quotes else None)
    if "\\ud" in text.lower():
        _check_surrogates(value)
    return value


def _first_value(text: str) -> Any:
    start = len(text) - len(text.lstrip(" \t\r\n"))
    decoder = json.JSONDecoder()
    try:
        return decoder.raw_decode(text, start)[0]
    except RecursionError:
        return decoder.raw_decode(_without_deep_values(text), start)[0]


def _without_deep_values(text: str) -> str:
    """Return `text` with `null` for each value nested deeper than any tensor could be."""
    if len(text) > _MAX_DEEP_CHARACTERS:
        raise invalid(f"JSON Parse error: nested deeper than {_MAX_DEPTH} levels")
    pieces, depth, start, done = [], 0, 0, 0
    for match in _BRACKETS.finditer(text):
        token = match.group()
        if token in "[{":
            depth += 1
            if depth == _MAX_DEPTH:
                start = match.start()
        elif token in "]}":
            if depth == _MAX_DEPTH:
                pieces += [text[done:start], "null"]
                done = match.end()
            depth -= 1
    rest = text[done:start] if depth >= _MAX_DEPTH else text[done:]  # cut off before it closed
    return "".join([*pieces, rest])


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        _refuse("The surrogate pair in string is invalid.", 0)


def _rapidjson_text(error: json.JSONDecodeError) -> str:
    if error.msg == "Expecting ',' delimiter":
        inside = error.doc[: error.pos]
        # Which container is open decides between two texts; strings with brackets may mislead it.
        if inside.rfind("{") > inside.rfind("["):
            return "Missing a comma or } after an object member."
        return "Missing a comma or ] after an array element."
    return _PARSE_ERRORS.get(error.msg, "Invalid value.")


def _refuse(what: str, offset: int, hint: str | None = None) -> NoReturn:
    error = invalid(f"JSON Parse error: {what} at offset: {offset}")
    error.hint = hint
    raise error from None


def debug_text(value: Any) -> str:
    """Return `value` as JSON on one line, cut near 256 characters: no answer echoes megabytes.

    Example:
        >>> debug_text({"x": [1, None]})
        '{"x":[1,null]}'
    """
    pieces, length = [], 0
    # The pure Python encoder yields piece by piece: a large value is only walked as far as needed.
    for piece in json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).iterencode(value):
        pieces.append(piece)
        length += len(piece)
        if length > _MAX_DEBUG_CHARACTERS:
            return "".join(pieces)[:_MAX_DEBUG_CHARACTERS] + "..."
    return "".join(pieces)


def type_name(value: Any) -> str:
    """Return RapidJSON's name of the type of a parsed value.

    Example:
        >>> type_name(1.5), type_name(True), type_name(None)
        ('Number', 'True', 'Null')
    """
    if value is None or isinstance(value, bool):
        return {None: "Null", True: "True", False: "False"}[value]
    names = {dict: "Object", list: "Array", str: "String"}
    return names.get(type(value), "Number")


def pretty(value: Any) -> bytes:
    """Return small answers (status, metadata, errors) as TensorFlow Serving lays them out."""
    return json.dumps(value, indent=4, ensure_ascii=False).encode("utf-8", "replace")
