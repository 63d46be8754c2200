"""Load a saved model, with dlkit's own layers, losses and schedules known to Keras."""

from __future__ import annotations

import importlib
import os
import pathlib
import warnings
import zipfile
from typing import TYPE_CHECKING

from dlkit.errors import InputError

if TYPE_CHECKING:
    import keras

# What Keras says of a model that was saved before it was trained: its optimizer holds a step count
# and perhaps a learning rate, and there is nothing else to load.
_UNTRAINED = r"Skipping variable loading for optimizer .* the saved optimizer has [12] variables"


def load(path: str | os.PathLike[str]) -> keras.Model:
    """Load a `.keras` file in safe mode: nothing in the file is run.

    It is `keras.saving.load_model` after dlkit's registered classes have been imported, which Keras
    needs to find them by their names.

    Args:
        path: A file that `model.save` wrote.

    Returns:
        The model, compiled as it was saved.

    Raises:
        InputError: when there is no such file, or it is not a Keras model.

    Example:
        >>> import pathlib, tempfile
        >>> import dlkit as dk
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "model.keras")
        ...     dk.models.mlp((4,), 3, normalization="weight").save(path)
        ...     dk.models.load(path).name
        'mlp'
    """
    import keras

    _register()
    path = pathlib.Path(path)
    if not path.is_file():
        raise InputError(f"There is no model file {path}; give the path of a .keras file.")
    if not _is_keras_file(path):
        raise InputError(f"{path} is not a .keras file, or not a whole one; save the model again.")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", _UNTRAINED)
        return keras.saving.load_model(path, safe_mode=True)


def _register() -> None:
    """Import what a file may hold: Keras finds dlkit's classes once they are imported."""
    from dlkit import layers, training
    from dlkit.models import catalogue

    for info in catalogue.SHIPPED.values():  # with the losses and metrics that they can be given
        importlib.import_module(f"dlkit.models.{info.family}")
    for room, name in [*((layers, name) for name in layers.__all__), (training, "OneCycle")]:
        getattr(room, name)


def _is_keras_file(path: pathlib.Path) -> bool:
    if not zipfile.is_zipfile(path):  # the table of contents comes last: half a file has none
        return False
    with zipfile.ZipFile(path) as archive:
        return {"metadata.json", "config.json"} <= set(archive.namelist())
