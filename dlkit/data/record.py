"""`Data`: three `tf.data.Dataset`s and what they hold."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras
    import numpy as np
    import tensorflow as tf
    from matplotlib.figure import Figure

    from dlkit.data.columns import Column
    from dlkit.data.origin import Origin

TASKS = ("binary", "multiclass", "multilabel", "regression")


@dataclasses.dataclass(frozen=True)
class Data:
    """What a data set is, ready for `model.fit`.

    Attributes:
        name: The data set's name.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
        train: Batches of `(inputs, targets)`, in a new seeded order each epoch.
        val: Batches for validation, or `None`.
        test: Batches for the final test, or `None`.
        input_spec: Input name -> `tf.TensorSpec` of what the network takes, without the batch axis.
        num_classes: Classes (2 for binary), labels (multilabel) or target columns (regression).
        class_names: The classes' names in the order of their index, or `None`.
        preprocessing: A Keras model from the raw input, as a client has it, to what the network
            takes; an export puts it inside. `None` where the network takes the raw input.
        examples: A few raw inputs and their targets, for warm-up requests and demonstrations. The
            inputs are an array, or column name -> array for a table.
        columns: What a table's columns are, or `None` for anything else.
        feature_names: What each number of a table's vector stands for, or `None`.
        vocabularies: Input name -> what each of its whole numbers stands for, in their order; or
            `None`.
        kind: What one input is: `"features"`, `"image"`, `"sequence"`, and so on.
        decoding: A Keras model from the bytes of a file, as a client has it, to what
            `preprocessing` takes, or `None`; an export offers it as a second signature.
        origin: All raw examples, and how to make the data again from other rows; or `None`.

    Example:
        >>> import dlkit as dk
        >>> data = dk.data.load("iris")
        >>> data.task, data.num_classes, data.input_spec["features"].shape
        ('multiclass', 3, TensorShape([4]))
    """

    name: str
    task: str
    train: tf.data.Dataset
    val: tf.data.Dataset | None
    test: tf.data.Dataset | None
    input_spec: dict[str, tf.TensorSpec]
    num_classes: int
    class_names: tuple[str, ...] | None = None
    preprocessing: keras.Model | None = None
    examples: tuple[np.ndarray | dict[str, np.ndarray], np.ndarray] | None = None
    columns: tuple[Column, ...] | None = None
    feature_names: tuple[str, ...] | None = None
    vocabularies: dict[str, tuple[str, ...]] | None = None
    kind: str = "features"
    decoding: keras.Model | None = None
    origin: Origin | None = dataclasses.field(default=None, repr=False, compare=False)

    def summary(self) -> None:
        """Print what the data set holds, one fact a line.

        Example:
            >>> import dlkit as dk
            >>> dk.data.load("iris", batch_size=16).summary()
            iris: multiclass, 3 classes (setosa, versicolor, virginica)
            network input  features (4,) float32
            raw input      features (4,) float32
            train          7 batches of up to 16
            val            1 batch of up to 12
            test           2 batches of up to 16
        """
        print("\n".join(self._facts()))

    def _facts(self) -> list[str]:
        names = ""
        if self.class_names:
            more = ", ..." if len(self.class_names) > 10 else ""
            names = f" ({', '.join(self.class_names[:10])}{more})"
        unit = "target" if self.task == "regression" else "class"
        plural = "" if self.num_classes == 1 else "s" if unit == "target" else "es"
        facts = [f"{self.name}: {self.task}, {self.num_classes} {unit}{plural}{names}"]
        for name, spec in self.input_spec.items():
            facts.append(f"network input  {name} {tuple(spec.shape)} {spec.dtype.name}")
        for column in self.columns or ():
            facts.append(f"column         {column.name}: {column.kind}, {column.note}")
        if self.preprocessing is not None and not self.columns:
            for raw in self.preprocessing.inputs:
                facts.append(f"raw input      {raw.name} {tuple(raw.shape[1:])} {raw.dtype}")
        for split in ("train", "val", "test"):
            facts.append(f"{split:<14} {_batches(getattr(self, split))}")
        return facts

    def show(
        self,
        path: str | pathlib.Path | None = None,
        *,
        count: int = 25,
        augmented: bool = False,
    ) -> Figure:
        """Draw the first batch of the training data: a grid of examples, or a plot a feature.

        Args:
            path: Where to save the picture as well; its ending chooses the format.
            count: How many examples, or features of a table, to draw. Defaults to 25.
            augmented: Draw each example twice, plain and as augmentation changed it. Defaults to
                False.

        Returns:
            The Matplotlib figure.

        Raises:
            InputError: for augmented=True on data that is not augmented.
            MissingExtraError: when Matplotlib is not installed.

        Example:
            >>> import dlkit as dk
            >>> figure = dk.data.load("digits").show(count=9)
            >>> len(figure.axes)
            9
        """
        from dlkit.data import pictures

        figure = pictures.draw(self, count, augmented=augmented)
        if path is not None:
            figure.savefig(path, dpi=120)
        return figure

    def cache_to(self, folder: str | os.PathLike[str], *, overwrite: bool = False) -> Data:
        """Prepare all examples once, as TFRecord shards in a folder, and read them from there.

        For examples that take long to prepare and do not fit into memory: large photos, long
        recordings. They are written as `tf.train.Example`s before augmentation, which stays new in
        each epoch. Shards are read in turn, in an order that the seed gives, and shuffled some
        thousand examples at a time. A later call reads what is there, if the examples, the splits
        and the preparation are the same; a cache that is half written is never read.

        Args:
            folder: Where the shards go, a new or empty folder; or a cache that fits.
            overwrite: Write a cache anew that is of something else or not whole. Defaults to
                False.

        Returns:
            The same data with pipelines that read the cache.

        Raises:
            InputError: when the folder holds something else, or a cache that does not fit.

        Example:
            >>> import dlkit as dk
            >>> data = dk.data.load("iris").cache_to("caches/iris")
            >>> sum(len(targets) for _, targets in data.train)
            108
        """
        from dlkit.data import caching

        return caching.cache_to(self, folder, overwrite=overwrite)

    def distribute(self, service: str) -> Data:
        """Prepare the training batches on the workers of a `tf.data` service.

        For pipelines that one machine cannot keep up with. The dispatcher hands out pieces of the
        training split, whole batches or the shards of `cache_to`, to whichever worker is free: each
        example comes exactly once an epoch, in as many batches as before. Batches come in the order
        in which workers finish them, and each worker draws its own seeds, so that an epoch cannot
        be repeated exactly. An epoch that loses a worker fails rather than leave examples out.
        Validation and test stay here.

        Files must lie under the same paths for each worker; what is held in memory is sent to them.
        The two lines a machine are TensorFlow's own, `tf.data.experimental.service.DispatchServer`
        and `WorkerServer`.

        Args:
            service: The dispatcher's address, as `"grpc://10.0.0.1:5050"`.

        Returns:
            The same data with a training pipeline that runs on the service.

        Raises:
            InputError: when `service` is no address.
            ServerError: when nothing answers there.

        Example:
            >>> import dlkit as dk
            >>> import tensorflow as tf
            >>> service = tf.data.experimental.service
            >>> dispatcher = service.DispatchServer()
            >>> address = dispatcher.target.removeprefix("grpc://")
            >>> worker = service.WorkerServer(service.WorkerConfig(dispatcher_address=address))
            >>> data = dk.data.load("iris").distribute(dispatcher.target)
            >>> sum(len(targets) for _, targets in data.train)
            108
        """
        from dlkit.data import distributing

        return distributing.distribute(self, service)


def _batches(dataset: tf.data.Dataset | None) -> str:
    if dataset is None:
        return "none"
    count = int(dataset.cardinality())
    size = next(iter(dataset))[1].shape[0]
    return f"{count} batch{'' if count == 1 else 'es'} of up to {size}"
