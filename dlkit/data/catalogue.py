"""The named data sets: what each is, where it comes from, and `load`.

The table below holds facts only, so that listing it loads neither TensorFlow nor scikit-learn.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from dlkit.checks import closest
from dlkit.errors import InputError

if TYPE_CHECKING:
    from dlkit.data.record import Data


@dataclasses.dataclass(frozen=True)
class DataSetInfo:
    """The facts of a named data set.

    Attributes:
        name: What `load` takes.
        kind: What one input is: `"image"` or `"features"`.
        task: What a network learns from it.
        examples: How many examples there are, test split included.
        description: One line.
        origin: Where the data comes from.
        augment: The name of the augmentation that suits it, or `None`. Defaults to None.

    Example:
        >>> find("fashion_mnist").augment
        'flip'
    """

    name: str
    kind: str
    task: str
    examples: int
    description: str
    origin: str
    augment: str | None = None


_SCIKIT_LEARN = "ships with scikit-learn"
_KERAS = "DLKIT_DATA, Keras's cache or download"
_ZIP = "DLKIT_DATA or Keras's cache, as a zip"
_TABLE = "DLKIT_DATA or Keras's cache"
_TABLES = (
    ("titanic", "binary", 891, "Titanic's passengers, 7 columns with gaps, who survived"),
    ("penguins", "multiclass", 344, "Palmer penguins, 6 columns with gaps, 3 species"),
    ("auto_mpg", "regression", 398, "Cars of 1970 to 1982, 7 columns with gaps, miles per gallon"),
    (
        "adult",
        "binary",
        48_842,
        "US census of 1994, 13 columns with gaps, income above 50,000 a year",
    ),
    (
        "california_housing",
        "regression",
        20_640,
        "Californian districts of 1990, 9 columns with gaps, house value in 100,000 dollars",
    ),
)
_SETS = (
    DataSetInfo(
        "digits",
        "image",
        "multiclass",
        1797,
        "Handwritten digits, 8x8 grey values 0 to 16, 10 classes",
        _SCIKIT_LEARN,
        "shift",
    ),
    DataSetInfo(
        "iris",
        "features",
        "multiclass",
        150,
        "Iris flowers, 4 measurements, 3 species",
        _SCIKIT_LEARN,
    ),
    DataSetInfo(
        "breast_cancer",
        "features",
        "binary",
        569,
        "Breast cancer Wisconsin, 30 measurements of a cell sample, malignant or benign",
        _SCIKIT_LEARN,
    ),
    DataSetInfo(
        "diabetes",
        "features",
        "regression",
        442,
        "Diabetes progression after a year, 10 measurements of a patient",
        _SCIKIT_LEARN,
    ),
    DataSetInfo(
        "fashion_mnist",
        "image",
        "multiclass",
        70_000,
        "Zalando's clothes, 28x28 grey values 0 to 255, 10 classes",
        f"{_KERAS}, Debian's dataset-fashion-mnist",
        "flip",
    ),
    DataSetInfo(
        "mnist",
        "image",
        "multiclass",
        70_000,
        "Handwritten digits, 28x28 grey values 0 to 255, 10 classes",
        _KERAS,
        "shift",
    ),
    DataSetInfo(
        "cifar10_jpg",
        "image",
        "multiclass",
        12_000,
        "CIFAR-10, a fifth of it as JPEG files, 32x32 in colour, 10 classes",
        _ZIP,
        "light",
    ),
    DataSetInfo(
        "flowers",
        "image",
        "multiclass",
        600,
        "Flower photos, 120 JPEG files a species, read at 128x128 in colour, 5 species",
        _ZIP,
        "medium",
    ),
    *(
        DataSetInfo(name, "features", task, count, description, _TABLE)
        for name, task, count, description in _TABLES
    ),
)


def list() -> tuple[DataSetInfo, ...]:
    """Return the facts of each named data set. Loads no data and no TensorFlow.

    Example:
        >>> import dlkit as dk
        >>> [info.name for info in dk.data.list()][:3]
        ['digits', 'iris', 'breast_cancer']
    """
    return _SETS


def find(name: str) -> DataSetInfo:
    """Return the facts of the data set `name`.

    Raises:
        InputError: for an unknown name, with the known ones and the closest of them.

    Example:
        >>> find("iris").task
        'multiclass'
    """
    for info in _SETS:
        if info.name == name:
            return info
    names = [info.name for info in _SETS]
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
    info = find(name)

    from dlkit.data import archives, sources, table_sources
    from dlkit.data.arrays import from_arrays

    feeding = {
        "batch_size": batch_size,
        "seed": seed,
        "val_fraction": val_fraction,
        "cache": cache,
        "augment": info.augment if augment is True else augment,
    }
    if name in table_sources.TABLES:
        return table_sources.load(name, task=info.task, **feeding)
    if name in archives.ARCHIVES:
        return archives.load(name, **feeding)
    arrays = sources.read(name)
    return from_arrays(
        arrays.inputs,
        arrays.targets,
        test=arrays.test,
        task=info.task,
        class_names=arrays.class_names,
        name=name,
        **feeding,
    )
