"""The `dlkit` command: thin, with no logic of its own.

Each command calls one function of the package and prints what it returns. A `DlkitError` becomes
its one sentence on standard error and exit status 2.
"""

import os
import pathlib
import sys
import warnings
from typing import Annotated

import typer

from dlkit.cli.options import Data, Delimiter, Target, parse_options
from dlkit.cli.serve import serve
from dlkit.cli.terminal import (
    format_warning,
    json_default,
    load_tensorflow,
    loading_tensorflow,
    print_results,
    print_table,
)
from dlkit.cli.tune import tune
from dlkit.errors import DlkitError, full_disk

app = typer.Typer(
    help="From data to a served Keras model.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help starts in half the time
)
Run = Annotated[
    pathlib.Path, typer.Argument(metavar="RUN", help="A directory that `dlkit train` made.")
]
Moved = Annotated[
    str | None,
    typer.Option(
        "--data", metavar="PATH", help="Where the run's own data lies now, if it has moved."
    ),
]


def main() -> None:
    """Run the command line, and turn a wrong input into one sentence and exit status 2."""
    # Before TensorFlow is imported by anything: its start-up notes are not news.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.formatwarning = format_warning
    try:
        app(prog_name="dlkit")
    except DlkitError as error:
        # A server's sentence may hold a message of TensorFlow, which goes over lines.
        print("dlkit:", " ".join(str(error).split()), file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        if not (reason := full_disk(error)):
            raise
        print(
            f"dlkit: There is no room left to write ({reason}); make some and give the same command"
            " again.",
            file=sys.stderr,
        )
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
def check(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A data set, see `dlkit datasets`; a folder with a sub-folder of images, WAV or"
            " .txt files a class, or of Pascal VOC; or a CSV file.",
        ),
    ],
    target: Target = None,
    delimiter: Delimiter = None,
) -> None:
    """Look for what would spoil a training on a data set.

    It exits with 1 if something has to be mended before a training can work.
    """
    from dlkit.data.catalogue import resolving

    source = resolving.resolve_source(data, target, delimiter)
    load_tensorflow()
    if any(finding.level == "error" for finding in source.load(**source.look).check()):
        raise typer.Exit(1)


@app.command()
def models() -> None:
    """List the model builders."""
    import dlkit
    from dlkit.models.catalogue import name_inputs

    rows = [
        (info.name, name_inputs(info), ", ".join(info.tasks), info.description, info.reference)
        for info in dlkit.models.list()
    ]
    print_table(("name", "inputs", "tasks", "what it is", "reference"), rows)


@app.command()
def train(  # noqa: PLR0913 - a command's options are its arguments
    context: typer.Context,
    model: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="A builder, see `dlkit models`.")
    ] = None,
    job: Annotated[
        pathlib.Path | None,
        typer.Option(
            metavar="FILE",
            help="A job file, YAML or JSON: the keys of a run's config.json, or that file. What is"
            " given beside it goes first.",
        ),
    ] = None,
    data: Data = "digits",
    target: Target = None,
    delimiter: Delimiter = None,
    epochs: Annotated[int, typer.Option(help="Passes over the training data.")] = 10,
    batch_size: Annotated[
        int | None,
        typer.Option(help="Examples a training step. By default 64, and fewer of a small set."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same weights.")] = 0,
    augment: Annotated[
        bool, typer.Option(help="Shift or flip training images, as suits the data set.")
    ] = True,
    schedule: Annotated[
        str, typer.Option(help="The learning rate over time: one_cycle or constant.")
    ] = "one_cycle",
    run: Annotated[
        str | None,
        typer.Option(
            help="The directory's name in runs/; a run that was interrupted goes on."
            " By default a new one."
        ),
    ] = None,
    set: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="An option of the model or its training, as units=64,32 or optimizer=adamw;"
            " may be given several times.",
        ),
    ] = None,
    data_option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="An option of the data's loader, as encoding=tf_idf for texts or"
            " image_size=96,96 for photos; may be given several times.",
        ),
    ] = None,
) -> None:
    """Train a model and evaluate it; everything is kept in runs/."""
    from dlkit.cli import jobs
    from dlkit.cli.job_files import make_job, read_job

    values = {
        "model": model,
        "data": data,
        "target": target,
        "delimiter": delimiter,
        "epochs": epochs,
        "batch_size": batch_size,
        "seed": seed,
        "augment": augment,
        "schedule": schedule,
        "options": parse_options(set or []),
        "data_options": parse_options(data_option or [], "--data-option", "encoding=tf_idf"),
    }
    sources = {name: context.get_parameter_source(name) for name in values}
    given = [name for name, source in sources.items() if source and source.name != "DEFAULT"]
    made = make_job({} if job is None else read_job(job), values, given)
    made.check()
    load_tensorflow()
    directory = jobs.train_job(made, run=run)
    print_results(jobs.read_results(directory))
    print(f"Next: dlkit export {directory}")


@app.command()
def evaluate(run: Run, data: Moved = None) -> None:
    """Evaluate a run's best model on the test split."""
    from dlkit.cli import jobs

    jobs.find_data(run, data)
    load_tensorflow()
    print_results(jobs.evaluate_run(run, data))


@app.command()
def export(
    run: Run,
    to: Annotated[
        pathlib.Path | None,
        typer.Option(
            help="Where versions 1, 2, ... go, or the file; exports/<data set> by default, with"
            " .onnx or .tflite for a file."
        ),
    ] = None,
    format: Annotated[
        str, typer.Option(help="saved_model, onnx or litert (TensorFlow Lite).")
    ] = "saved_model",
    quantize: Annotated[
        str | None,
        typer.Option(help="Smaller weights: dynamic (onnx, litert), float16 or int8 (litert)."),
    ] = None,
    runtimes: Annotated[
        str,
        typer.Option(
            help="What else a saved_model can be served with, faster on a CPU: onnx, litert or"
            " onnx_dynamic, several with commas."
        ),
    ] = "",
    data: Moved = None,
) -> None:
    """Export a run's best model as SavedModel, ONNX or LiteRT."""
    from dlkit import formats
    from dlkit.cli import jobs

    jobs.find_data(run, data)
    chosen = tuple(runtimes.split(",")) if runtimes else ()
    formats.check_export(format, quantize, chosen)
    load_tensorflow()
    path = jobs.export_run(run, to, format=format, quantize=quantize, runtimes=chosen, data=data)
    print(f"Exported and checked: {path}")
    if format == "saved_model":
        print(f"Next: dlkit serve {path.parent}")


app.command()(serve)


app.command()(tune)


@app.command()
def predict(
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL", help="The model's, as http://127.0.0.1:8501/v1/models/digits."
        ),
    ],
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE|-",
            help="A batch of inputs: JSON, as [[5.1, 3.5, 1.4, 0.2]], a .npy, .csv or .csv.gz"
            " file, an image or a .wav file; - reads JSON, .npy or CSV from standard input.",
        ),
    ],
    signature: Annotated[
        str | None,
        typer.Option(
            help="By default serving_default; image_bytes or audio_bytes for such files, and cells"
            " for CSV, where the model has that."
        ),
    ] = None,
    delimiter: Annotated[str, typer.Option(help="What stands between two cells of CSV.")] = ",",
    api_key: Annotated[
        str | None,
        typer.Option(envvar="DLKIT_API_KEY", help="The key that the server asks for."),
    ] = None,
    ca_file: Annotated[
        pathlib.Path | None,
        typer.Option(metavar="FILE", help="Who vouches for an https server, in PEM."),
    ] = None,
    cert_file: Annotated[
        pathlib.Path | None,
        typer.Option(
            metavar="FILE", help="Your own certificate and its key, in PEM, where it asks (mTLS)."
        ),
    ] = None,
) -> None:
    """Send inputs to a served model and print its answer as JSON."""
    import json

    from dlkit import serving
    from dlkit.serving.client.request_files import signature_for

    source = sys.stdin.buffer if file == "-" else pathlib.Path(file)
    rows = serving.read_inputs(source, delimiter=delimiter)
    with serving.Client(url, api_key=api_key, ca_file=ca_file, cert_file=cert_file) as client:
        answer = client.predict(rows, signature_name=signature or signature_for(file))
    print(json.dumps(answer, default=json_default))


@app.command()
def monitor(
    version: Annotated[
        pathlib.Path, typer.Argument(metavar="VERSION", help="What is served: exports/digits/1.")
    ],
    log: Annotated[pathlib.Path, typer.Argument(metavar="LOG", help="The server's --request-log.")],
    threshold: Annotated[
        float, typer.Option(help="The population stability index above which to complain.")
    ] = 0.2,
    least: Annotated[
        int, typer.Option(min=1, help="How many logged rows it takes to say anything.")
    ] = 100,
    model: Annotated[
        str | None,
        typer.Option(help="The served model's name, where it is not that of its directory."),
    ] = None,
) -> None:
    """Compare logged requests with the training data.

    It exits with 1 if a feature has drifted, so that a scheduler can raise the alarm.
    """
    from dlkit import drift

    found = drift.monitor(version, log, threshold=threshold, least=least, model=model)
    rows = [
        (d.feature, f"{d.psi:.3f}", f"{d.ks:.3f}", f"{d.p_value:.2g}", "drifted" * d.drifted)
        for d in found
    ]
    print_table(("feature", "PSI", "KS", "by chance", ""), rows)
    if few := sorted(set(drift.read_profile(version)) - {d.feature for d in found}):
        print(f"Not compared, as fewer than {least} rows are logged: {', '.join(few)}")
    if any(d.drifted for d in found):
        raise typer.Exit(1)


@app.command()
def demo() -> None:
    """Train, export and serve a classifier of digits, and ask it."""
    load_tensorflow()

    from dlkit.cli.demo import run_demo

    run_demo()


@app.command()
def doctor() -> None:
    """Show versions and devices; exit 1 if something needs mending."""
    with loading_tensorflow():
        from dlkit.cli.doctor import examine_installation

        findings = examine_installation()
    print_table(("what", "found", "fix"), [(f.name, f.value, f.fix or "") for f in findings])
    if any(finding.fix for finding in findings):
        raise typer.Exit(1)
