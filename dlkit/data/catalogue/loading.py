"""The named data sets: `list`, `find_info` and `load`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from dlkit.argument_validation import closest
from dlkit.data.catalogue.sets import SETS, DataSetInfo
from dlkit.errors import InputError

if TYPE_CHECKING:
    from dlkit.data.data import Data


def list() -> tuple[DataSetInfo, ...]:
    """Return the facts of each named data set. Loads no data and no TensorFlow.

    Example:
        >>> import dlkit as dk
        >>> [info.name for info in dk.data.list()][:3]
        ['digits', 'iris', 'breast_cancer']
    """
    return SETS


def find_info(name: str) -> DataSetInfo:
    """Return the facts of the data set `name`.

    Raises:
        InputError: for an unknown name, with the known ones and the closest of them.

    Example:
        >>> find_info("iris").task
        'multiclass'
    """
    for info in SETS:
        if info.name == name:
            return info
    names = [info.name for info in SETS]
    raise InputError(
        f"There is no data set '{name}'.{closest(name, names)} Known: {', '.join(names)}."
        " Your own arrays go through dlkit.data.from_arrays."
    )


def load(
    name: str,
    *,
    batch_size: int = 64,
    seed: int = 0,
    val_fraction: float = 0.1,
    cache: bool = True,
    augment: Any = True,
    **options: Any,
) -> Data:
    """Load a named data set as `tf.data` pipelines.

    The test split is the published one, or a fixed stratified fifth where none was published, so
    that results compare whatever the seed. The validation split is a stratified part of the rest.

    Args:
        name: One of `dlkit.data.list()`.
        batch_size: Examples a batch. Defaults to 64.
        seed: Chooses the validation split, the order of each epoch and the augmentation. Defaults
            to 0.
        val_fraction: Part of the training examples kept for validation, in [0, 1); 0 keeps none.
            Defaults to 0.1.
        cache: Prepare all inputs once and hold them in memory; `False` prepares each batch anew.
            Defaults to True.
        augment: `True` for what suits the data set, `False` for nothing, or as in `from_arrays`.
            Defaults to True.
        **options: What the function for this kind of data takes besides, as `image_size` for a
            folder of images (`from_image_folder`) or `kinds` for a table (`from_dataframe`).

    Returns:
        A `Data` record.

    Raises:
        InputError: for an unknown name, an option out of range, or files that cannot be had.

    Example:
        >>> import dlkit as dk
        >>> data = dk.data.load("digits", batch_size=32)
        >>> data.input_spec["image"].shape
        TensorShape([8, 8, 1])
    """
    info = find_info(name)
    module = importlib.import_module(f"dlkit.data.{info.module}")
    return module.load(
        name,
        batch_size=batch_size,
        seed=seed,
        val_fraction=val_fraction,
        cache=cache,
        augment=info.augment if augment is True else augment,
        **options,
    )
