"""Load a saved model, with dlkit's own layers, losses and schedules known to Keras."""

from __future__ import annotations

import os
import pathlib
import zipfile
from typing import TYPE_CHECKING

from dlkit.errors import InputError

if TYPE_CHECKING:
    import keras


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

    import dlkit.layers.weight_norm
    import dlkit.training.losses
    import dlkit.training.schedules  # noqa: F401 - imported to be registered, like the two above

    path = pathlib.Path(path)
    if not path.is_file():
        raise InputError(f"There is no model file {path}; give the path of a .keras file.")
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path} is not a .keras file, or not a whole one; save the model again.")
    return keras.saving.load_model(path, safe_mode=True)
