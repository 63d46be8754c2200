"""JSON text <-> Python values, as forgiving as the parser inside TensorFlow Serving (RapidJSON).

orjson does the work; what it refuses and RapidJSON accepts (NaN, Infinity, text after the object,
deep nesting, a byte order mark) goes to slower ways, and what both refuse gets RapidJSON's words.
python-rapidjson is no gain there: where it is fast (8 times, for floats and a NaN), it reads one
double in 11 a unit off in its last place; where it is exact, it is 1.3 times as fast, and takes
whole numbers that no double holds.
"""

import json
import math
import re
from typing import Any, NoReturn

import orjson

from dlkit.serving.core.status import invalid

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
# What decides how deep a value is, and RapidJSON's words for numbers that Python does not know. A
# string may lack its end: it is passed over once, and not again from each quote inside it.
_TOKENS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]|-?Inf(?!i)|-NaN', re.DOTALL)
_WORDS = {"Inf": "Infinity", "-Inf": "-Infinity", "-NaN": "NaN"}
_MAX_DEPTH = 300  # a tensor has at most 254 axes
_MAX_DEEP_CHARACTERS = 8 * 2**20  # cutting is slow: bounded, so that no request can hold the server
_MAX_DEBUG_CHARACTERS = 256
_MAX_DIGITS = 20  # of what may be a whole number of 64 bits, with its sign
_INT64_MIN, _UINT64_MAX = -(2**63), 2**64 - 1


def parse_json(body: bytes) -> Any:
    """Return the JSON value in `body`.

    Args:
        body: UTF-8 text. Bare NaN, Infinity, Inf and their negatives are numbers; what follows the
            first value is ignored when it has to be parsed the slow way.

    Raises:
        StatusError: INVALID_ARGUMENT with RapidJSON's words and the offset in bytes.

    Example:
        >>> parse_json(b'{"instances": [1.0, NaN]}')
        {'instances': [1.0, nan]}
    """
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
    except OverflowError as error:
        _refuse("Number too big to be stored in double.", _offset(text, text.find(str(error))))
    except json.JSONDecodeError as error:
        # A word where a name should be is what a shell makes of "{"instances": ...}".
        unquoted = text[error.pos : error.pos + 1]
        quotes = unquoted == "'" or (unquoted.isalpha() and "property name" in error.msg)
        hint = _QUOTES if quotes else None
        _refuse(_rapidjson_text(error), _offset(text, error.pos), hint)
    if "\\ud" in text.lower():
        _check_surrogates(value)
    return value


def _first_value(text: str) -> Any:
    start = len(text) - len(text.removeprefix("\ufeff").lstrip(" \t\r\n"))
    if start == len(text):
        error = invalid("JSON Parse error: The document is empty")
        error.hint = _EMPTY
        raise error
    decoder = json.JSONDecoder(parse_int=_whole_number, parse_float=_number)
    try:
        return decoder.raw_decode(text, start)[0]
    except RecursionError:
        if len(text) > _MAX_DEEP_CHARACTERS:
            raise invalid(f"JSON Parse error: nested deeper than {_MAX_DEPTH} levels") from None
    except json.JSONDecodeError as error:
        if not text.startswith(tuple(_WORDS), error.pos):
            raise
    other, cuts = _as_python_reads_it(text)
    try:
        return decoder.raw_decode(other, start)[0]
    except json.JSONDecodeError as error:
        raise json.JSONDecodeError(error.msg, text, _position(error.pos, cuts)) from None


def _as_python_reads_it(text: str) -> tuple[str, list[tuple[int, int, str]]]:
    """Return `text` with `null` for what is nested deeper than a tensor, and with Python's words.

    Returns:
        The text, and each cut in it: its start, its end, and what stands there instead.
    """
    cuts, depth, start = [], 0, 0
    for match in _TOKENS.finditer(text):
        token = match.group()
        if token in "[{":
            depth += 1
            if depth == _MAX_DEPTH:
                start = match.start()
        elif token in "]}":
            if depth == _MAX_DEPTH:
                cuts.append((start, match.end(), "null"))
            depth -= 1
        elif token in _WORDS and depth < _MAX_DEPTH:
            cuts.append((*match.span(), _WORDS[token]))
    if depth >= _MAX_DEPTH:  # cut off before it closed
        cuts.append((start, len(text), ""))
    pieces, done = [], 0
    for start, end, other in cuts:
        pieces += [text[done:start], other]
        done = end
    return "".join([*pieces, text[done:]]), cuts


def _position(position: int, cuts: list[tuple[int, int, str]]) -> int:
    """Return where something was before the cuts."""
    for start, end, other in cuts:
        if position <= start:
            break
        position += end - start - len(other)
    return position


def _offset(text: str, position: int) -> int:
    return len(text[:position].encode("utf-8", "surrogatepass"))


def _whole_number(digits: str) -> int | float:
    """Return a whole number as RapidJSON does: one beyond 64 bits is a double."""
    if len(digits) <= _MAX_DIGITS and _INT64_MIN <= (number := int(digits)) <= _UINT64_MAX:
        return number
    return _number(digits)


def _number(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise OverflowError(digits)
    return number


def _check_surrogates(value: Any) -> None:
    stack = [value]
    while stack:
        found = stack.pop()
        if isinstance(found, dict):
            stack += [*found, *found.values()]
        elif isinstance(found, list):
            stack += found
        elif isinstance(found, str) and not found.isascii():
            try:
                found.encode()
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
    names: dict[type, str] = {dict: "Object", list: "Array", str: "String"}
    return names.get(type(value), "Number")


def pretty(value: Any) -> bytes:
    """Return small answers (status, metadata, errors) as TensorFlow Serving lays them out."""
    return json.dumps(value, indent=4, ensure_ascii=False).encode("utf-8", "replace")
