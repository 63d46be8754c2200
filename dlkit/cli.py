"""The `dlkit` command: thin, with no logic of its own.

Each command calls one function of the package and prints what it returns. A `DlkitError` becomes
its one sentence on standard error and exit status 2.
"""

import ast
import contextlib
import os
import pathlib
import sys
import tempfile
import types
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from dlkit.errors import DlkitError, InputError

app = typer.Typer(
    help="From data to a served Keras model.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help starts in half the time
)
Run = Annotated[pathlib.Path, typer.Argument(metavar="RUN", help="A directory under runs/.")]


def main() -> None:
    """Run the command line, and turn a wrong input into one sentence and exit status 2."""
    # Before TensorFlow is imported by anything: its start-up notes are not news.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        app()
    except DlkitError as error:
        print(f"dlkit: {error}", file=sys.stderr)
        sys.exit(2)


def version(wanted: bool) -> None:
    """Print the version and exit, if wanted."""
    if wanted:
        import dlkit

        print(f"dlkit {dlkit.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """From data to a served Keras model."""


@app.command()
def datasets() -> None:
    """List the named data sets."""
    from dlkit import data

    rows = [
        (info.name, info.kind, info.task, f"{info.examples:,}", info.description, info.origin)
        for info in data.list()
    ]
    print_table(("name", "input", "task", "examples", "what it is", "where it comes from"), rows)


@app.command()
def models() -> None:
    """List the model builders."""
    from dlkit import models as builders

    rows = [
        (info.name, ", ".join(info.inputs), ", ".join(info.tasks), info.description, info.reference)
        for info in builders.list()
    ]
    print_table(("name", "inputs", "tasks", "what it is", "reference"), rows)


@app.command()
def train(  # noqa: PLR0913 - a command's options are its arguments
    model: Annotated[str, typer.Argument(help="A builder, see `dlkit models`.")],
    data: Annotated[str, typer.Option(help="A data set, see `dlkit datasets`.")] = "digits",
    epochs: Annotated[int, typer.Option(help="Passes over the training data.")] = 10,
    batch_size: Annotated[int, typer.Option(help="Examples a step.")] = 64,
    seed: Annotated[int, typer.Option(help="Same seed, same weights.")] = 0,
    augment: Annotated[bool, typer.Option(help="Vary the training data.")] = True,
    schedule: Annotated[str, typer.Option(help="one_cycle or constant.")] = "one_cycle",
    run: Annotated[
        str | None, typer.Option(help="The run's name; one that was interrupted goes on.")
    ] = None,
    set: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="A builder's option, as units=64,32; repeatable."),
    ] = None,
) -> None:
    """Train a model and evaluate it; everything is kept in runs/."""
    chosen = parse_options(set or [])
    jobs = load_jobs()
    job = jobs.Job(
        model=model,
        data=data,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        augment=augment,
        schedule=schedule,
        options=chosen,
    )
    directory = jobs.train(job, run=run)
    print_results(jobs.read_results(directory))
    print(f"Next: dlkit export {directory}")


@app.command()
def evaluate(run: Run) -> None:
    """Evaluate a run's best model on the test split."""
    print_results(load_jobs().evaluate(run))


@app.command()
def export(
    run: Run,
    to: Annotated[
        pathlib.Path | None,
        typer.Option(help="The model's directory; exports/<data set> by default."),
    ] = None,
) -> None:
    """Export a run's best model as the next SavedModel version, and check it."""
    directory = load_jobs().export(run, to)
    print(f"Exported and checked: {directory}")
    print(f"Next: dlkit serve {directory.parent}")


@app.command()
def serve(
    directory: Annotated[pathlib.Path, typer.Argument(metavar="DIR", help="Holds <version>/.")],
    name: Annotated[str | None, typer.Option(help="The model's name in URLs.")] = None,
    host: Annotated[str, typer.Option(help="0.0.0.0 opens it to the network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The REST port; 0 takes a free one.")] = 8501,
) -> None:
    """Serve an export over TensorFlow Serving's REST API until stopped."""
    from dlkit import serving

    load_jobs()
    serving.serve(directory, name=name, host=host, rest_port=port)


@app.command()
def predict(
    url: Annotated[str, typer.Argument(help="As http://127.0.0.1:8501/v1/models/digits.")],
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="JSON rows, or .npy; - reads JSON.")
    ],
) -> None:
    """Send a batch of inputs to a served model and print its answer as JSON."""
    import json

    from dlkit import serving

    rows = serving.read_inputs(sys.stdin.buffer if file == "-" else pathlib.Path(file))
    with serving.Client(url) as client:
        answer = client.predict(rows)
    if isinstance(answer, dict):
        print(json.dumps({name: value.tolist() for name, value in answer.items()}))
    else:
        print(json.dumps(answer.tolist()))


@app.command()
def demo() -> None:
    """Train, evaluate, export and serve a classifier of digits, and ask it over REST."""
    load_jobs()

    from dlkit.demo import demo as run_demo

    run_demo()


@app.command()
def doctor() -> None:
    """Show versions, devices and missing extras; exit 1 if something needs mending."""
    with loading():
        from dlkit import doctor as medic

        findings = medic.examine()
    print_table(("what", "found", "fix"), [(f.name, f.value, f.fix or "") for f in findings])
    if any(finding.fix for finding in findings):
        raise typer.Exit(1)


def load_jobs() -> types.ModuleType:
    """Return `dlkit.jobs`, after the long import of TensorFlow under its own message."""
    with loading():
        import tensorflow  # noqa: F401

        from dlkit import jobs
    return jobs


def parse_options(pairs: list[str]) -> dict[str, Any]:
    """Return the options in `key=value` pairs; values are Python literals, or else strings.

    Raises:
        InputError: for a pair without a key or `=`, or a key that comes twice.

    Example:
        >>> parse_options(["units=64,32", "dropout=0.5", "activation=gelu"])
        {'units': (64, 32), 'dropout': 0.5, 'activation': 'gelu'}
    """
    options: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.isidentifier():
            raise InputError(f"--set takes key=value, as --set units=64,32. Received: {pair!r}.")
        if key in options:
            raise InputError(f"--set {key} is given twice; give it once.")
        try:
            options[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            options[key] = value
    return options


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Show that TensorFlow is loading, and keep its notes off the terminal unless it fails.

    TensorFlow's C++ code writes them before any setting can silence it.
    """
    show = sys.stderr.isatty()
    if show:
        print("Loading TensorFlow ...", end="\r", file=sys.stderr, flush=True)
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
        print(" " * 22, end="\r", file=sys.stderr, flush=True)


def print_table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print rows under their columns, as wide as the terminal; whole lines into a pipe."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        print("\n".join("\t".join(row) for row in (columns, *rows)))
        return
    table = Table(*columns, box=None, padding=(0, 2, 0, 0), header_style="bold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def print_results(results: dict[str, float]) -> None:
    """Print the test metrics, one line."""
    print("Test: " + ", ".join(f"{name} {value:.4f}" for name, value in results.items()))
