"""`Data.check`: a bounded look at a data set before training, as a table and as records.

some rows of each split -> one check after the other -> findings -> a table
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlkit.data import box_checks, input_checks, raw_checks, relation_checks, split_checks
from dlkit.data.findings import Finding, View

if TYPE_CHECKING:
    from dlkit.data.record import Data

_STYLES = {"ok": "green", "note": "cyan", "warning": "yellow", "error": "bold red"}


def check(data: Data, show: bool) -> tuple[Finding, ...]:
    """Return what `Data.check` tells, and print it."""
    view = View(data)
    found = [*split_checks.sizes(view), *split_checks.targets(view), *input_checks.inputs(view)]
    if data.origin is not None:
        found += [*raw_checks.raw(view), *box_checks.boxes(view)]
        found += relation_checks.relations(view)
        found += split_checks.repeats(view)
    if show:
        print_findings(data, found)
    return tuple(found)


def print_findings(data: Data, found: list[Finding]) -> None:
    """Print findings as a table, the grave ones in colour."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = 100  # a notebook or a file
    table = Table(title=f"Check of {data.name}", box=box.SIMPLE, title_justify="left")
    for column in ("", "looked at", "found", "what to do"):
        table.add_column(column, overflow="fold", no_wrap=not column)
    for one in found:
        table.add_row(one.level, one.what, one.detail, one.advice, style=_STYLES[one.level])
    console.print(table)
