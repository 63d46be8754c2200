"""A bar on a terminal for what takes long; nothing into a pipe or a log."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress(label: str, total: int, *, sized: bool = False) -> Iterator[Callable[[int], None]]:
    """Show how much of `total` is done, on standard error; yield what moves the bar there.

    Args:
        label: What is being done.
        total: How much there is to do.
        sized: Whether it is counted in bytes.
    """
    from rich import progress as bars
    from rich.console import Console

    console = Console(stderr=True)
    counted = bars.DownloadColumn() if sized else bars.MofNCompleteColumn()
    columns = (bars.TextColumn("{task.description}"), bars.BarColumn(), counted)
    with bars.Progress(
        *columns, bars.TimeRemainingColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=done)
