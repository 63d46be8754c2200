"""The steps of the main job, each from a run directory to the next: train, evaluate, export.

    Job -> train -> runs/<name>/{config.json, best.keras, history.csv, results.json, ...}
                      -> evaluate -> numbers
                      -> export   -> exports/<data set>/<version>, or <data set>.onnx, .tflite

These are the functions under the command line. They hold nothing that a script could not write with
`dlkit.data`, `dlkit.models`, `dlkit.training` and `dlkit.export`; read them as examples.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import sys
from typing import TYPE_CHECKING, Any

from dlkit.cli.job import Job
from dlkit.data.catalogue.resolving import existing
from dlkit.errors import InputError
from dlkit.formats import FORMATS, check_export
from dlkit.training.atomic_files import write_atomically

if TYPE_CHECKING:
    import keras

    from dlkit.data.data import Data


def train_job(
    job: Job, *, run: str | None = None, base: str | pathlib.Path = "runs"
) -> pathlib.Path:
    """Train a model and keep all that belongs to it in a run directory.

    Started again with the same `run` after it was interrupted, it goes on after the last finished
    epoch and ends with the same weights.

    Args:
        job: What to train.
        run: The run's name. Defaults to None: a new one, `<model>-<data>-<time>-<random>`. Own data
            may have moved since it began, but not changed.
        base: The directory that holds the runs. Defaults to "runs".

    Returns:
        The run directory.

    Raises:
        InputError: when the job or the run cannot be used, before anything is trained.
    """
    import dlkit
    from dlkit.training import resume
    from dlkit.training.run_lock import lock_run

    job.check()
    job = dataclasses.replace(job.with_place(), batch_size=job.step_size)
    if run and (pathlib.Path(base) / run / ".lock").exists():  # refuse before any work
        lock_run(pathlib.Path(base) / run)
    config = _as_begun(job, pathlib.Path(base) / run) if run else job.describe()
    dlkit.training.set_seed(job.seed)
    data = job.load_data()
    model = job.build_model(data)
    directory = dlkit.training.run_directory(run or _fresh_name(job), base=base, config=config)
    monitor = "val_loss" if data.val is not None else "loss"
    print(f"Training {job.model} ({model.count_params():,} parameters) on {data.name}: {directory}")
    try:
        model.fit(
            data.train,
            validation_data=data.val,
            epochs=job.epochs,
            callbacks=dlkit.training.callbacks(directory, data=data, monitor=monitor),
            # A bar that redraws itself is for eyes; a log gets a line an epoch.
            verbose="auto" if sys.stdout.isatty() else 2,
        )
    except KeyboardInterrupt:
        kept, _ = resume.run_progress(directory) or (0, False)
        resume.print_line(
            f"Interrupted; {kept} of {job.epochs} epochs are kept. To go on, give the same command"
            f" with --run {directory.name}."
        )
        raise
    _evaluate(directory, open_run(directory)[1], data)
    return directory


def _as_begun(job: Job, directory: pathlib.Path) -> dict[str, Any]:
    """Return the configuration to go on with: own data may have moved since, but not changed."""
    config = job.describe()
    if job.data_fingerprint is None or not (directory / "config.json").exists():
        return config
    begun = _read_job(directory)
    if begun.data_fingerprint == job.data_fingerprint:
        test = {k: v for k, v in begun.data_options.items() if k == "test"}
        options = {**config["data_options"], **test}
        return config | {"data": begun.data, "data_options": options}
    if begun.data == job.data:
        raise begun.changed_data(f"the run {directory}")
    return config


def evaluate_run(run: str | pathlib.Path, data: str | None = None) -> dict[str, float]:
    """Evaluate a run's best model on the test split, and write `results.json` into the run.

    Args:
        run: A run directory.
        data: Where the run's own data lies, if it has moved. Defaults to None: where it lay.

    Returns:
        The metrics by name.

    Raises:
        InputError: when the directory is not that of a run, it has no model yet, or its data is
            gone or changed.
    """
    job = find_data(run, data)
    _, model = open_run(run)
    tell_unfinished(run, job)
    return _evaluate(run, model, job.load_data())


def _evaluate(run: str | pathlib.Path, model: keras.Model, data: Data) -> dict[str, float]:
    results = model.evaluate(data.test, verbose=0, return_dict=True)
    results = {name: float(value) for name, value in results.items()}
    text = json.dumps({"test": results}, indent=2) + "\n"
    write_atomically(pathlib.Path(run) / "results.json", lambda file: file.write(text.encode()))
    return results


def read_results(run: str | pathlib.Path) -> dict[str, float]:
    """Return the test metrics that `evaluate_run` wrote into a run.

    Raises:
        InputError: when the run was not evaluated.
    """
    path = pathlib.Path(run) / "results.json"
    try:
        return json.loads(path.read_text())["test"]
    except (OSError, ValueError, KeyError):
        raise InputError(f"{path} cannot be read; run `dlkit evaluate {run}` first.") from None


def export_run(
    run: str | pathlib.Path,
    to: str | pathlib.Path | None = None,
    *,
    format: str = "saved_model",
    quantize: str | None = None,
    runtimes: tuple[str, ...] = (),
    data: str | None = None,
) -> pathlib.Path:
    """Export a run's best model, as the next SavedModel version or as a file.

    Args:
        run: A run directory.
        to: Where it goes. Defaults to None: `exports/<data set>`, and `.onnx` or `.tflite`.
        format: `"saved_model"`, `"onnx"` or `"litert"`. Defaults to "saved_model".
        quantize: For LiteRT `"dynamic"`, `"float16"` or `"int8"`, for ONNX `"dynamic"`. Defaults to
            None.
        runtimes: What else a SavedModel can be served with, of `RUNTIMES`. Defaults to ().
        data: Where the run's own data lies, if it has moved. Defaults to None: where it lay.

    Returns:
        The version directory, or the file.

    Raises:
        InputError: when the run, the path or an option cannot be used, or the data is gone or
            changed.
        MissingExtraError: when ONNX's packages are not installed.
        ExportError: when the export does not answer like the model.
    """
    import dlkit

    check_export(format, quantize, runtimes)
    job = find_data(run, data)
    _, model = open_run(run)
    unfinished = tell_unfinished(run, job)
    loaded = job.load_data()
    to = pathlib.Path("exports", job.data_name + FORMATS[format]) if to is None else to
    if format == "onnx":
        return dlkit.export.onnx(model, to, loaded, quantize=quantize)
    if format == "litert":
        return dlkit.export.litert(model, to, loaded, quantize=quantize)
    told = pathlib.Path(run, "results.json").exists()
    notes = {"seed": job.seed, "run": str(run), "metrics": read_results(run) if told else None}
    if unfinished:
        notes["unfinished"] = unfinished
    return dlkit.export.saved_model(model, to, loaded, runtimes=runtimes, notes=notes)


def open_run(run: str | pathlib.Path) -> tuple[Job, keras.Model]:
    """Return the job of a run directory and its best model.

    Raises:
        InputError: when the directory is not that of a run, or it has no model yet.
    """
    import dlkit

    return find_run(run), dlkit.models.load(pathlib.Path(run) / "best.keras")


def find_run(run: str | pathlib.Path) -> Job:
    """Return the job of a run directory that holds a model. Loads no TensorFlow.

    Raises:
        InputError: when the directory is not that of a run, or it has no model yet.
    """
    directory = pathlib.Path(run)
    job = _read_job(directory)
    if not (directory / "best.keras").is_file():
        raise InputError(
            f"The run {directory} has no best.keras: no epoch ended with a finite loss; train a"
            " new run, with a smaller learning rate if this one stopped at NaN."
        )
    return job


def _read_job(directory: pathlib.Path) -> Job:
    try:
        return Job(**json.loads((directory / "config.json").read_text())["config"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"{directory} is not the directory of a training by `dlkit train` (its config.json"
            " cannot be read); give one of the directories under runs/."
        ) from None


def find_data(run: str | pathlib.Path, data: str | None = None) -> Job:
    """Return the job of a run that holds a model and whose data is there. Loads no TensorFlow.

    Args:
        run: A run directory.
        data: Where the run's own data lies, if it has moved. Defaults to None: where it lay.

    Raises:
        InputError: when the directory is not that of a run, it has no model yet, or its data is
            gone or changed.
    """
    job = find_run(run)
    if job.data_fingerprint is None:
        if data is not None:
            raise InputError(
                f"The run {run} was trained on '{job.data}', which is found by its name: leave"
                f" --data out. Received: {data!r}."
            )
        return job
    if data is not None:
        job = dataclasses.replace(job, data=os.path.abspath(existing(data)))
    job.check_data(f"the run {run}")
    return job


def tell_unfinished(run: str | pathlib.Path, job: Job) -> str | None:
    """Say on standard error when a run has not ended yet, and return how far it is."""
    from dlkit.training.resume import run_progress

    known = run_progress(pathlib.Path(run))
    kept, stopped = known or (0, (pathlib.Path(run) / "results.json").exists())
    if stopped or kept >= job.epochs:
        return None
    state = f"{kept} of {job.epochs} epochs"
    print(
        f"The run {run} is unfinished: its best model is of {state}. The same `dlkit train` with"
        f" --run {pathlib.Path(run).name} goes on.",
        file=sys.stderr,
    )
    return state


def _fresh_name(job: Job) -> str:
    import datetime
    import secrets

    # Two that start in one second must not share a directory.
    now = datetime.datetime.now()
    return f"{job.model}-{job.data_name}-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
