"""What a table's column looks like where it is read as something else, for `Data.check`."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from dlkit.column_values import as_booleans
from dlkit.data.core.wording import Finding, listed
from dlkit.data.files.cells import as_numbers, as_texts, has_bare_exponent, has_front_zeros
from dlkit.data.files.dates import iso_date
from dlkit.data.files.table_styles import number_pattern

_LOOKED_AT = 1000  # texts of a column
_MOST, _FEW = 0.9, 5  # so many are enough to look like numbers, beside so few different others
_SIGNS = "$€£¥₹%"
# Decimals and thousands, the most likely first.
_STYLES = [(".", None), (".", ","), (",", None), (",", "."), (".", "'"), (".", "\u2019")]
_STYLES += [(point, blank) for blank in (" ", "\u00a0", "\u202f") for point in ",."]
_DAYS = re.compile(r"(\d{1,2})[-./](\d{1,2})[-./]\d{4}(\s.*)?")
_DATES = re.compile(
    r"\d{1,2}[-./]\d{1,2}[-./]\d{2}|\d{4}[-./]\d{1,2}[-./]\d{1,2}(\D.*)?"
    r"|\d{1,2}\.?[ -][A-Za-z]{3,9}\.?,?[ -]\d{4}|[A-Za-z]{3,9}\.? \d{1,2}(st|nd|rd|th)?,? \d{4}"
)
_COMPACT = re.compile(r"(19|20)\d{6}")


def look_at_column(name: str, kind: str, values: np.ndarray) -> Finding | None:
    """Return what to know of a column whose kind was read from its values, if there is anything.

    Args:
        name: Its name.
        kind: What it is read as.
        values: What it holds.

    Example:
        >>> look_at_column("price", "hash", np.array(["-0,37", "1,5"], object)).advice
        "give decimal=','"
    """
    if kind not in ("numeric", "category", "hash", "drop"):
        return None
    known = [text for text in as_texts(values[: 2 * _LOOKED_AT]) if text][:_LOOKED_AT]
    if not known:
        return None
    if kind == "numeric":
        return _compact_dates(name, known) or _merged(name, values)
    if as_numbers(values) is not None:
        return _codes(name, values)
    return _dates(name, known) or _numbers(name, known)


def _found(level: str, name: str, detail: str, advice: str) -> Finding:
    return Finding(level, f"column {name}", detail, advice)


def _compact_dates(name: str, known: list[str]) -> Finding | None:
    if not all(_COMPACT.fullmatch(text) and iso_date(text) for text in known):
        return None
    detail = f"looks like dates, as {known[0]}, and is read as numbers"
    return _found("warning", name, detail, f"give kinds={{'{name}': 'date'}}")


def _merged(name: str, values: np.ndarray) -> Finding | None:
    """Find two texts that are one number, though they may be two codes."""
    texts = [text for text in dict.fromkeys(as_texts(values)) if text]
    rare = any(len(text) > 15 or "e" in text.lower() for text in texts)
    if values.dtype.kind == "f" or not rare or as_booleans(texts):
        return None
    seen: dict[float, str] = {}
    for text in texts:
        other = seen.setdefault(float(text), text)
        if other != text and any(has_bare_exponent(t) or _is_long(t) for t in (text, other)):
            detail = f"holds {other} and {text}, which are one number"
            advice = f"give kinds={{'{name}': 'category'}} to keep them apart"
            return _found("warning", name, detail, advice)
    return None


def _is_long(text: str) -> bool:
    return text.lstrip("+-").isdigit() and abs(float(text)) >= 2**53


def _codes(name: str, values: np.ndarray) -> Finding | None:
    text = next(filter(has_front_zeros, values), None)
    if text is None:
        return None
    detail = f"holds {text}, with zeros in front, and is read as names"
    return _found("note", name, detail, f"give kinds={{'{name}': 'numeric'}} for quantities")


def _dates(name: str, known: list[str]) -> Finding | None:
    matched = [match for text in known if (match := _DAYS.fullmatch(text))]
    if len(matched) == len(known):
        first, second = (max(int(match[part]) for match in matched) for part in (1, 2))
        orders = [order for order, month in ((True, second), (False, first)) if month <= 12]
        advice = " or ".join(f"dayfirst={order}" for order in orders)
        advice = f"give {advice}" if orders else ""
    elif all(_DATES.fullmatch(text) or iso_date(text) for text in known):
        advice = ""
    else:
        return None
    detail = f"looks like dates, as {known[0]!r}, and is read as texts"
    return _found("warning", name, detail, advice or "write them like 2026-11-21")


def _numbers(name: str, known: list[str]) -> Finding | None:
    signs = {sign for text in known for sign in _SIGNS if sign in text}
    bare = [re.sub(f"[{_SIGNS}]", "", text).strip() for text in known]
    for style in _STYLES:
        pattern = number_pattern(*style)
        others = Counter(
            text for text, number in zip(known, bare, strict=True) if not pattern.fullmatch(number)
        )
        if others.total() <= (1 - _MOST) * len(known) and len(others) <= _FEW:
            return _numbers_in_style(name, known, *style, signs, list(others))
    return None


def _numbers_in_style(
    name: str,
    known: list[str],
    decimal: str,
    thousands: str | None,
    signs: set[str],
    others: list[str],
) -> Finding:
    example = next(text for text in known if text not in others)
    steps = []
    if decimal != ".":
        steps.append(f"give decimal={decimal!r}")
    if thousands:
        steps.append(f"give thousands={thousands!r}")
    if signs:
        steps.append(f"leave {' and '.join(sorted(signs))} out of its cells")
    if others:
        steps.append(f"name {listed(list(map(repr, others)))} in na_values if that means missing")
    detail = f"looks like numbers, as {example!r}, and is read as texts"
    return _found("warning", name, detail, ", ".join(steps))
