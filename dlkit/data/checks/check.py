"""`Data.check`: a bounded look at a data set before training, as a table and as records.

some rows of each split -> one check after the other -> findings -> a table
"""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

from dlkit.data.checks.inputs import check_inputs
from dlkit.data.checks.splits import check_repeats, check_sizes, check_targets
from dlkit.data.checks.view import View
from dlkit.data.core.kinds import load_part
from dlkit.data.core.wording import Finding
from dlkit.records import Records

if TYPE_CHECKING:
    from dlkit.data.core.record import Record

_WIDTH = 100
_STYLES = {"ok": "green", "note": "cyan", "warning": "yellow", "error": "bold red"}


def check_record(data: Record, show: bool) -> Records:
    """Return what `Data.check` tells, and print it."""
    view = View(data)
    found = [*check_sizes(view), *check_targets(view), *check_inputs(view)]
    if data.origin is not None:
        if view.kind.checks:
            found += load_part(view.kind.checks).check_raw(view)
        found += check_repeats(view)
    table, plain = _table(data, found), io.StringIO()
    console_of = functools.partial(Console, markup=False, emoji=False, highlight=False)
    if show:
        console = console_of()
        if not console.is_terminal:
            console.width = _WIDTH  # a notebook or a file
        console.print(table)
    console_of(file=plain, width=_WIDTH, color_system=None, force_jupyter=False).print(table)
    return Records(found, plain.getvalue(), printed=show)


def _table(data: Record, found: list[Finding]) -> Table:
    """Return findings as a table, the grave ones in colour."""
    table = Table(title=f"Check of {data.name}", box=box.SIMPLE, title_justify="left")
    for column in ("", "looked at", "found", "what to do"):
        table.add_column(column, overflow="fold", no_wrap=not column)
    for one in found:
        table.add_row(one.level, one.what, one.detail, one.advice, style=_STYLES[one.level])
    return table
