"""To MLflow's model registry and back: the very directory of a version, under MLflow's description.

    <base>/<n>/  --to_mlflow-->  MLmodel, requirements.txt, model/<the directory>
                                       |
    <another base>/<n>/  <--from_mlflow-+--> mlflow.pyfunc.load_model(...).predict(raw inputs)

Nothing is pickled, and nothing is written anew: what was checked at the export is what is served.
"""

import importlib.metadata
import json
import os
import pathlib
import shutil
from typing import Any

import numpy as np
import tensorflow as tf

from dlkit.argument_validation import require
from dlkit.errors import InputError
from dlkit.export.versioning.directories import check_export_base, publish_version

_FOLDER = "model"
_SIGNATURE = "serving_default"
_LOADER = "dlkit.export.registry"
_DOWNLOADS = ".mlflow"


def to_mlflow(
    version: str | os.PathLike, registered_model_name: str | None = None, *, name: str = "model"
) -> str:
    """Log an exported version in MLflow, and register it where a name is given.

    When to use: where a team keeps its models in MLflow's registry. The active run, if there is
    one, gets the model; the tracking server and the registry are those that MLflow is set to.
    MLflow reads it too: `mlflow.pyfunc.load_model(...).predict` takes raw inputs by name, as a
    dictionary or a DataFrame, and `mlflow.tensorflow.load_model` gives the signature
    `serving_default`, without dlkit. The model card becomes the model's metadata.

    Reference: https://mlflow.org/docs/latest/ml/model/

    Args:
        version: The directory that `dk.export.saved_model` returned, `<base>/<n>`.
        registered_model_name: The name in the registry, which makes the next version of it.
            Defaults to None, not registered.
        name: The name of the logged model. Defaults to "model".

    Returns:
        The URI that `from_mlflow` and MLflow's own functions load:
        `models:/<registered_model_name>/<n>`, or `models:/<id>` where nothing is registered.

    Raises:
        InputError: when `version` holds no SavedModel, or MLflow refuses.
        MissingExtraError: when MLflow is not installed.

    Example:
        >>> to_mlflow("exports/digits", "digits")  # forgot the version: "exports/digits/1"
        Traceback (most recent call last):
        dlkit.errors.InputError: version must be the directory that dk.export.saved_model ...
    """
    version = pathlib.Path(version)
    if not (version / "saved_model.pb").is_file():
        raise InputError(
            "version must be the directory that dk.export.saved_model returned."
            f" Received: version='{version}', which holds no saved_model.pb."
        )
    mlflow = require("mlflow", "mlflow")
    card = version / "assets.extra" / "model_card.json"
    metadata = {"model_card": json.loads(card.read_bytes())} if card.is_file() else None
    try:
        logged = require("mlflow.models", "mlflow").Model.log(
            artifact_path=None,
            name=name,
            flavor=_Flavor,
            flavor_name="tensorflow",
            registered_model_name=registered_model_name,
            metadata=metadata,
            version=version,
        )
    except mlflow.exceptions.MlflowException as error:
        raise InputError(
            f"MLflow did not take version='{version}': {_first_line(error)}"
        ) from error
    if registered_model_name is None:
        return logged.model_uri
    return f"models:/{registered_model_name}/{logged.registered_model_version}"


class _Flavor:
    """What MLflow asks for a model's files; the model is described as its own loaders want it."""

    @staticmethod
    def save_model(path: str, mlflow_model: Any, version: pathlib.Path) -> None:
        """Write `version` and the files that describe it into `path`."""
        folder = pathlib.Path(path)
        shutil.copytree(version, folder / _FOLDER)
        mlflow_model.add_flavor(
            "tensorflow",
            model_type="tf1-estimator",  # MLflow's word for a SavedModel asked by a signature
            saved_model_dir=_FOLDER,
            meta_graph_tags=["serve"],
            signature_def_key=_SIGNATURE,
        )
        mlflow_model.add_flavor(
            "python_function",
            loader_module=_LOADER,
            data=_FOLDER,
            env={"virtualenv": "python_env.yaml"},
        )
        (folder / "requirements.txt").write_text(_requirements())
        (folder / "python_env.yaml").write_text("dependencies:\n- -r requirements.txt\n")
        mlflow_model.save(str(folder / "MLmodel"))


def _requirements() -> str:
    """Return what runs the model, for who builds an environment for it."""
    names = ("dlkit", "tensorflow", "mlflow-skinny")
    return "".join(f"{name}=={importlib.metadata.version(name)}\n" for name in names)


class Served:
    """A SavedModel asked by raw inputs, cast to what its signature takes.

    MLflow's own wrapper casts nothing, so that a DataFrame's numbers, of 64 bits, are refused.
    """

    def __init__(self, path: str) -> None:
        self._model = tf.saved_model.load(path)
        self._signature = self._model.signatures[_SIGNATURE]

    def predict(self, data: Any, params: Any = None) -> dict[str, np.ndarray]:
        """Return outputs by name; `data` maps input names to columns."""
        columns = {}
        for name, spec in self._signature.structured_input_signature[1].items():
            column = np.array(list(data[name]), spec.dtype.as_numpy_dtype)
            columns[name] = tf.constant(column, spec.dtype)
        return {name: value.numpy() for name, value in self._signature(**columns).items()}


def from_mlflow(model_uri: str, base: str | os.PathLike) -> pathlib.Path:
    """Fetch a version that `to_mlflow` logged, as the next version of a model server's directory.

    When to use: to serve what a registry holds, with `dlkit serve` or TensorFlow Serving. The
    directory appears whole, with all signatures, warm-up requests and the model card.

    Reference: https://mlflow.org/docs/latest/ml/model-registry/

    Args:
        model_uri: `models:/<name>/<version>`, `models:/<name>@<alias>`, `models:/<id>` or
            `runs:/<run>/<name>`.
        base: The model's directory, which holds a directory for each version. Made if missing.

    Returns:
        The path of the version directory.

    Raises:
        InputError: when there is no such model, it was not logged by `to_mlflow`, or `base` cannot
            be written. Nothing is left behind.
        MissingExtraError: when MLflow is not installed.

    Example:
        >>> from_mlflow("models:/digits@champion", "exports/digits/1")  # MLflow knows the number
        Traceback (most recent call last):
        dlkit.errors.InputError: base must be the model's directory, below which the version is ...
    """
    base = check_export_base(base)
    mlflow = require("mlflow", "mlflow")

    def fetch(staging: pathlib.Path) -> None:
        fetched = pathlib.Path(_fetched(mlflow, model_uri, staging))
        model = fetched / _FOLDER
        if not (model / "saved_model.pb").is_file():
            raise InputError(
                "model_uri must name a model that dk.export.to_mlflow logged."
                f" Received: model_uri={model_uri!r}, which has no SavedModel in '{_FOLDER}'."
            )
        for part in list(model.iterdir()):
            part.rename(staging / part.name)
        shutil.rmtree(staging / _DOWNLOADS)

    return publish_version(base, fetch)


def _fetched(mlflow: Any, model_uri: str, staging: pathlib.Path) -> str:
    target = staging / _DOWNLOADS
    target.mkdir()
    try:
        return mlflow.artifacts.download_artifacts(model_uri, dst_path=str(target))
    except (mlflow.exceptions.MlflowException, OSError) as error:
        raise InputError(
            "model_uri must name a model that MLflow can fetch."
            f" Received: model_uri={model_uri!r} ({_first_line(error)})."
        ) from None


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
