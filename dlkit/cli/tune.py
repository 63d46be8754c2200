"""`dlkit tune`: the options of a search, on this machine or on several."""

from __future__ import annotations

import os
import pathlib
import secrets
import shlex
from typing import Annotated, Any

import typer

from dlkit.cli.options import Data, Delimiter, Target, parse_options, parse_space
from dlkit.cli.terminal import load_tensorflow, print_table
from dlkit.errors import InputError


def tune(  # noqa: PLR0913 - a command's options are its arguments
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A builder, see `dlkit models`.")],
    data: Data = "digits",
    target: Target = None,
    delimiter: Delimiter = None,
    strategy: Annotated[
        str, typer.Option(help="random, grid, bayesian, hyperband, or Optuna's tpe.")
    ] = "bayesian",
    trials: Annotated[int, typer.Option(help="Trials at most.")] = 20,
    epochs: Annotated[int, typer.Option(help="Epochs of a trial at most; the best counts.")] = 10,
    minutes: Annotated[
        float | None, typer.Option(help="After how many minutes no further trial begins.")
    ] = None,
    space: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUES",
            help="What to try for an option of the model or its training: units=64|128,64 or"
            " learning_rate=1e-4..1e-2:log or dropout=0.0..0.5:0.1; may be given several times."
            " By default what the model declares.",
        ),
    ] = None,
    objective: Annotated[
        str | None, typer.Option(help="The metric to compare by; by default the first of val_.")
    ] = None,
    executions: Annotated[int, typer.Option(help="Trainings a trial, whose mean counts.")] = 1,
    folds: Annotated[
        int | None, typer.Option(help="Folds a trial, in place of the validation split.")
    ] = None,
    patience: Annotated[
        int | None, typer.Option(help="Epochs without a better value before a training ends.")
    ] = None,
    pruning: Annotated[
        str | None, typer.Option(help="median: end trials that are worse than half of the others.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that train at a time.")] = 1,
    isolate: Annotated[
        bool, typer.Option("--isolate", help="Train each trial in a process of its own.")
    ] = False,
    launcher: Annotated[
        str, typer.Option(help="What starts workers: process, or ray for a Ray cluster.")
    ] = "process",
    chief: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Only tell workers on other machines what to do, which give this address as"
            " --worker.",
        ),
    ] = None,
    worker: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Train what the chief at this address says."),
    ] = None,
    directory: Annotated[pathlib.Path, typer.Option(help="Where searches are kept.")] = (
        pathlib.Path("searches")
    ),
    name: Annotated[
        str | None,
        typer.Option(
            help="The search's name in it; one that was interrupted goes on."
            " <model>-<data>-<strategy> by default."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same trials.")] = 0,
    data_option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="An option of the data's loader, as batch_size=64; may be given several times.",
        ),
    ] = None,
    report: Annotated[
        pathlib.Path | None,
        typer.Option(metavar="FILE", help="Write the search as a page, an HTML file."),
    ] = None,
) -> None:
    """Search for hyperparameters that are better than the defaults."""
    from dlkit.cli.job import Job

    loader = parse_options(data_option or [], "--data-option", "batch_size=64")
    given = parse_space(space or []) or None
    batch_size = loader.pop("batch_size", Job.batch_size)
    job = Job(
        *(model, data, epochs, batch_size, seed),
        schedule="constant",
        data_options=loader,
        target=target,
        delimiter=delimiter,
    )
    job.check()
    tell_role(chief, worker)
    load_tensorflow()
    import dlkit

    tuner = dlkit.tuning.search(
        model,
        job.load_data(),
        strategy=strategy,
        space=given,
        objective=objective,
        max_trials=trials,
        epochs=epochs,
        executions=executions,
        folds=folds,
        patience=patience,
        pruning=pruning,
        max_minutes=minutes,
        workers=workers,
        isolate=isolate,
        launcher=launcher,
        directory=directory,
        name=name,
        seed=seed,
    )
    _print_best(tuner, job)
    if report is not None:
        print(dlkit.tuning.report(tuner, report))


def tell_role(chief: str | None, worker: str | None) -> None:
    """Set the variables by which `search` knows that this process is a chief or a worker.

    Raises:
        InputError: for both, or an address that is none.

    Example:
        >>> tell_role(None, None)
    """
    if chief and worker:
        raise InputError(
            f"A process is a chief or a worker. Received: --chief {chief} --worker {worker}."
        )
    if not (address := chief or worker):
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise InputError(
            f"{'--chief' if chief else '--worker'} takes HOST:PORT, as 10.0.0.1:8000. Received:"
            f" {address}."
        )
    name = "chief" if chief else f"worker-{secrets.token_hex(4)}"
    os.environ |= {"KERASTUNER_TUNER_ID": name, "KERASTUNER_ORACLE_IP": host}
    os.environ["KERASTUNER_ORACLE_PORT"] = port


def _print_best(tuner: Any, job: Any) -> None:
    """Print the best values, and how to train with them."""
    from dlkit.tuning.reading import best_trial, values_of

    trial = best_trial(tuner)
    own = {name: v for name, v in values_of(tuner, trial).items() if not name.startswith("tuner/")}
    fixed = {name: v for name, v in tuner.hypermodel.options.items() if name not in own}
    print_table(("option", "best value"), [(name, str(value)) for name, value in own.items()])
    print(f"{tuner.oracle.objective.name}: {trial.score:.5g} after {trial.best_step + 1} epochs")
    words = ["dlkit", "train", job.model, "--data", job.data]
    for name in ("target", "delimiter"):
        if (value := getattr(job, name)) is not None:
            words += [f"--{name}", value]
    words += ["--schedule", "constant"]
    words += ["--epochs", str(trial.best_step + 1), "--seed", str(job.seed)]
    values = own | {name: v for name, v in fixed.items() if not hasattr(v, "when")}
    words += ["--batch-size", str(values.pop("batch_size", job.step_size))]
    for name, value in values.items():
        written = ",".join(map(str, value)) if isinstance(value, tuple | list) else value
        ending = "," if isinstance(value, tuple | list) and len(value) == 1 else ""
        words += ["--set", f"{name}={written}{ending}" if written != "" else f"{name}=()"]
    for name, value in job.data_options.items():
        words += ["--data-option", f"{name}={value}"]
    print(f"Next: {shlex.join(words)}")
