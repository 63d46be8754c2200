"""What the command line shows: one message while TensorFlow loads, tables, numbers."""

import base64
import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

_MESSAGE = "Loading TensorFlow ..."
_AS_PYTHON_WRITES = warnings.formatwarning


def load_tensorflow() -> None:
    """Import TensorFlow, which takes seconds, under a message that says so."""
    with loading_tensorflow():
        import tensorflow as tf

        tf.config.list_physical_devices()  # notes here that there is no GPU, and not again


@contextlib.contextmanager
def loading_tensorflow() -> Iterator[None]:
    """Show that TensorFlow is loading, and keep its notes off the terminal unless it fails.

    TensorFlow's C++ code writes them before any setting can silence it.
    """
    show = sys.stderr.isatty()
    if show:
        print(_MESSAGE, end="\r", file=sys.stderr, flush=True)
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            yield
        except BaseException:
            notes.seek(0)
            os.write(terminal, notes.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
    if show:
        print(" " * len(_MESSAGE), end="\r", file=sys.stderr, flush=True)


def format_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    line: str | None = None,
) -> str:
    r"""Return a warning to users as its sentence; others as Python writes them, with their line.

    Example:
        >>> format_warning("The series has a gap.", UserWarning, "cli.py", 1)
        'Warning: The series has a gap.\n'
    """
    if category is UserWarning:
        return f"Warning: {message}\n"
    return _AS_PYTHON_WRITES(message, category, filename, lineno, line)


def print_table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Print rows under their columns, as wide as the terminal; whole lines into a pipe."""
    from rich.console import Console
    from rich.table import Table

    # Markup would take the [plot] of "dlkit[plot]" for a style.
    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        print("\n".join("\t".join(row) for row in (columns, *rows)))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        # What is listed is there to be copied: a long word goes on in the next line, whole.
        table.add_column(column, overflow="fold", no_wrap=column == columns[0])
    for row in rows:
        table.add_row(*row)
    console.print(table)


def json_default(value: Any) -> Any:
    """Return an array as lists, and bytes as TensorFlow Serving writes them.

    Example:
        >>> json_default(b"raw")
        {'b64': 'cmF3'}
    """
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()}
    return value.tolist()


def print_results(results: dict[str, float]) -> None:
    """Print the test metrics, one line."""
    print("Test: " + ", ".join(f"{name} {value:.4f}" for name, value in results.items()))
