"""The demonstration: from data to an answer over REST, in one go."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any

import dlkit
from dlkit.argument_validation import require
from dlkit.cli import jobs
from dlkit.cli.job import Job
from dlkit.errors import DlkitError

if TYPE_CHECKING:
    import keras

    from dlkit.data.data import Data

JOB = Job("cnn", "digits", epochs=15, batch_size=32)
TARGET = 0.98
EXTRAS = {"matplotlib": "plot", "uvicorn": "serve", "httpx": "serve", "orjson": "serve"}


def run_demo(base: str | pathlib.Path = "runs") -> None:
    """Train `cnn` on `digits`, export it, serve it as its own process, and ask it over REST.

    Args:
        base: The directory that holds the runs; the export goes into the run. Defaults to "runs".

    Raises:
        DlkitError: when the test accuracy or the served answer is not what it should be.
        MissingExtraError: when what it needs is not installed, before anything is trained.
    """
    for module, extra in EXTRAS.items():
        require(module, extra)
    run = jobs.train_job(JOB, base=base)
    accuracy = jobs.read_results(run)["accuracy"]
    print(f"Test accuracy: {accuracy:.1%}")
    if accuracy < TARGET:
        raise DlkitError(f"The demonstration expects a test accuracy of at least {TARGET:.0%}.")
    data = JOB.load_data()
    _, model = jobs.open_run(run)
    draw_run(run, model, data)
    version = jobs.export_run(run, run / "export" / JOB.data)
    print(f"Exported as a SavedModel, checked against the Keras model: {version}")
    ask_server(version, model, data)
    print(f"Go on: dlkit serve {version.parent}")


def draw_run(run: pathlib.Path, model: keras.Model, data: Data) -> None:
    """Draw the training curve and the least certain predictions into the run."""
    pictures = {
        "history.png": dlkit.evaluation.plot_history(dlkit.training.load_history(run)),
        "predictions.png": dlkit.evaluation.plot_predictions(model, data),
    }
    for name, figure in pictures.items():
        figure.savefig(run / name, dpi=120)
        print(f"Picture: {run / name}")


def ask_server(version: pathlib.Path, model: keras.Model, data: Any) -> None:
    """Serve the version as a process of its own, and send it one raw test image.

    `data` has examples, class names and preprocessing, as `digits` does.
    """
    images, labels = data.examples
    with dlkit.serving.Server(version.parent, rest_port=0) as server:
        print(f"Serving at {server.url}")
        with dlkit.serving.Client(server.url) as client:
            probabilities = client.predict(images[:1])[0]
    predicted, true = int(probabilities.argmax()), int(labels[0])
    print(
        f"A raw image over REST: predicted '{data.class_names[predicted]}'"
        f" ({probabilities[predicted]:.1%}), true '{data.class_names[true]}'; server stopped."
    )
    local = model(data.preprocessing(images[:1])).numpy()[0]
    if abs(local - probabilities).max() > 1e-5:
        raise DlkitError(f"The server answers {probabilities} where the model says {local}.")
