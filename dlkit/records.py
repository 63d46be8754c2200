"""Records that a call prints as a table and returns: a prompt shows them once."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any


class Records(tuple):
    r"""A tuple of records, and the table of them.

    A prompt and a notebook show what a line returns. Where the table was printed already, that is a
    line and not the table once more.

    Args:
        records: The records. Defaults to ().
        table: The table of them, as text. Defaults to "".
        printed: Whether the table was printed. Defaults to False.

    Example:
        >>> found = Records(["a", "b"], "what\na\nb", printed=True)
        >>> found
        <2 records; print() shows their table>
        >>> print(found)
        what
        a
        b
    """

    table: str
    printed: bool

    def __new__(cls, records: Iterable[Any] = (), table: str = "", *, printed: bool = False):
        """Make the tuple, with the table beside it."""
        made = super().__new__(cls, records)
        made.table, made.printed = table, printed
        return made

    def __repr__(self) -> str:
        return f"<{len(self)} records; print() shows their table>"

    def __str__(self) -> str:
        return self.table

    def _repr_html_(self) -> str | None:
        """Return the table for IPython, or `None` where it was printed."""
        return None if self.printed else f"<pre>{html.escape(self.table)}</pre>"
