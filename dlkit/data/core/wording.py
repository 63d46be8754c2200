"""How counts, names and findings are told in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of what `Data.check` found.

    Attributes:
        level: `"ok"`, `"note"`, `"warning"` or `"error"`.
        what: What was looked at.
        detail: What was found.
        advice: What to do, or nothing. Defaults to "".

    Example:
        >>> Finding("ok", "not a number", "512 network inputs").advice
        ''
    """

    level: str
    what: str
    detail: str
    advice: str = ""


def share_of(part: int, whole: int) -> str:
    """Return `part of whole (percent)`.

    Example:
        >>> share_of(3, 1200)
        '3 of 1,200 (0.2%)'
    """
    percent = 100 * part / max(whole, 1)
    return f"{part:,} of {whole:,} ({percent:.{1 if percent < 10 else 0}f}%)"


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return the first few names, and how many more there are.

    Example:
        >>> listed(["a", "b", "c", "d"])
        'a, b, c and 1 more'
    """
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown
