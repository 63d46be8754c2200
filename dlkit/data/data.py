"""`Data`: a record of three `tf.data.Dataset`s, and what can be done with it."""

from __future__ import annotations

import html
import os
import pathlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dlkit.data.changes import (
    balancing,
    bins,
    disk_cache,
    distributing,
    duplicates,
    outliers,
    rescaling,
    splitting,
)
from dlkit.data.checks.check import check_record
from dlkit.data.checks.summary import summary_lines
from dlkit.data.core.record import Record
from dlkit.data.drawing.class_balance import draw_classes
from dlkit.data.drawing.figures import draw_batch, save_figure

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    from dlkit.data.core.wording import Finding


class Data(Record):  # noqa: D101 - it has the docstring of its fields
    __doc__ = Record.__doc__

    @property
    def target_scale(self) -> tuple[Any, Any] | None:
        """For a regression, the mean and the deviation of its training targets; else `None`."""
        return rescaling.target_scale(self)

    @property
    def input_scale(self) -> tuple[list[float], list[float]] | None:
        """For images, the mean and the deviation of their pixels, from 0 to 255; else `None`."""
        return rescaling.input_scale(self)

    @property
    def bin_edges(self) -> tuple[tuple[float, ...], ...] | None:
        """For vectors, the edges of the bins of each number, from the training rows; else `None`.

        A number of one value or two has none, as whether a category is there.
        """
        return bins.bin_edges(self)

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
        print("\n".join(summary_lines(self)))

    def _repr_html_(self) -> str:
        """Return the summary for IPython."""
        return f"<pre>{html.escape(chr(10).join(summary_lines(self)))}</pre>"

    def show(
        self,
        path: str | pathlib.Path | None = None,
        *,
        count: int = 25,
        augmented: bool = False,
    ) -> Figure:
        """Draw the first batch of the training data: a grid of examples, or a plot a feature.

        Where there are more features than are drawn, those that vary in the batch are preferred.

        Args:
            path: Where to save the picture as well; its ending chooses the format.
            count: How many examples, or features of a table, to draw. Defaults to 25.
            augmented: Draw each example twice, plain and as augmentation changed it. Defaults to
                False.

        Returns:
            The Matplotlib figure.

        Raises:
            InputError: for augmented=True on data that is not augmented, or a path that nothing
                can be saved as.
            MissingExtraError: when Matplotlib is not installed.

        Example:
            >>> import dlkit as dk
            >>> figure = dk.data.load("digits").show(count=9)
            >>> len(figure.axes)
            9
        """
        figure = draw_batch(self, count, augmented=augmented)
        if path is not None:
            save_figure(figure, path)
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
        return disk_cache.cache_to(self, folder, overwrite=overwrite)

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
        return distributing.distribute(self, service)

    def show_classes(self, path: str | pathlib.Path | None = None) -> Figure:
        """Draw how often each class, label or kind of box occurs in each split, or numbers' spread.

        Of more than 120 classes it draws the 60 most frequent and the 60 rarest in training.

        Args:
            path: Where to save the picture as well; its ending chooses the format. Defaults to
                None.

        Returns:
            The Matplotlib figure, a plot a split.

        Raises:
            InputError: when the task has neither classes nor numbers to predict, or nothing can be
                saved as the path.
            MissingExtraError: when Matplotlib is not installed.

        Example:
            >>> import dlkit as dk
            >>> figure = dk.data.load("iris").show_classes()
            >>> [axis.get_title() for axis in figure.axes]
            ['train: 108', 'val: 12', 'test: 30']
        """
        return draw_classes(self, path)

    def folds(
        self, k: int = 5, *, groups: Any = None, ordered: bool = False, seed: int = 0
    ) -> Iterator[Data]:
        """Yield `k` records for cross-validation; the test split is the same in all of them.

        Each record validates on another `k`-th of what is not for testing, and learns its
        preprocessing from the rest. Classes are shared out alike, and what was `balanced` is
        balanced anew in each.

        Reference: Stone 1974, Cross-validatory choice and assessment of statistical predictions.

        Args:
            k: How many folds. Defaults to 5.
            groups: The group of each example, as the patient of a picture: an array with an entry
                for each example in the order in which they were given, those of a test split of
                your own last, or the name of a column. No group is in two folds, nor in the test
                split: where that has some in common with the rest, and was not given, a fifth of
                the groups is tested on instead. Classes are shared out as far as the groups let
                them. Defaults to None: those of an earlier `resplit`.
            ordered: Train on the examples before each fold only, in the order in which they were
                given: for what changes over time. Defaults to False.
            seed: Of the shuffling; folds by groups or in order are not shuffled. Defaults to 0.

        Returns:
            An iterator; each record is prepared when its turn comes.

        Raises:
            InputError: for more folds than examples, examples of the rarest class, or groups, or
                when a fold by groups would train on one class.

        Example:
            >>> import dlkit as dk
            >>> [len(fold.origin.split.val) for fold in dk.data.load("iris").folds(3)]
            [40, 40, 40]
        """
        return splitting.folds(self, k, groups, ordered, seed)

    def resplit(
        self,
        *,
        val_fraction: float = 0.1,
        test_fraction: float = 0.2,
        groups: Any = None,
        ordered: bool = False,
        seed: int = 0,
    ) -> Data:
        """Return a record with other validation examples, and test examples if none were given.

        A test split that was published, or given, stays as it is; what was `balanced` is balanced
        anew.

        Args:
            val_fraction: Part of what is not for testing, in [0, 1); 0 keeps none. Defaults to 0.1.
            test_fraction: Part of all examples, in (0, 1). Defaults to 0.2.
            groups: As in `folds`: no group is in two splits, here and in what is made of the
                result; the fractions are of the groups. Defaults to None.
            ordered: Test on the last examples, and validate on those just before. Defaults to
                False.
            seed: Of the shuffling. Defaults to 0.

        Raises:
            InputError: when a split would be empty.

        Example:
            >>> import dlkit as dk
            >>> data = dk.data.load("diabetes").resplit(ordered=True)
            >>> data.origin.split.test.min(), data.origin.split.train.max()
            (np.int64(353), np.int64(316))
        """
        return splitting.resplit(self, val_fraction, test_fraction, groups, ordered, seed)

    def balanced(self, method: str = "weights", *, seed: int = 0) -> Data:
        """Return a record in whose training each class counts alike, however rare it is.

        When to use: when a rare class is never predicted. Predicted probabilities are then those
        of a world in which classes are equally frequent.

        Args:
            method: `"weights"` makes training batches `(x, y, weight)`, which Keras takes for any
                number of outputs: a class weighs `n / (classes * its count)`, and an example with
                several labels the mean of `n / (2 * count)` over its labels, on or off.
                `"oversample"` repeats the examples of rarer classes. Defaults to "weights".
            seed: Chooses what is repeated once more where it does not come out even. Defaults to 0.

        Raises:
            InputError: for an unknown method, or a task that has no classes.

        Example:
            >>> import dlkit as dk
            >>> data = dk.data.load("breast_cancer", batch_size=16).balanced()
            >>> x, y, weight = next(iter(data.train))
            >>> weight.shape
            TensorShape([16])
        """
        return balancing.balanced(self, method, seed)

    def without_outliers(
        self, method: str = "iqr", *, threshold: float | None = None, seed: int = 0
    ) -> Data:
        """Return a record without the training examples that lie far from the others.

        It prints how many went. Validation and test examples stay. Only numbers are looked at;
        features of which most values are the same are not.

        Reference: Tukey 1977, Exploratory Data Analysis; Liu, Ting & Zhou 2008, Isolation Forest.

        Args:
            method: `"iqr"` leaves out examples with a feature more than `threshold` times the
                distance of the quartiles beyond them, `"z_score"` with one more than `threshold`
                standard deviations from the mean, `"isolation_forest"` those that random cuts
                isolate soonest. Defaults to "iqr".
            threshold: How far is too far, or for the forest the share that is left out. Defaults to
                None: 1.5 for `"iqr"`, where 3 suits many features better, 3 for `"z_score"`, and
                the paper's score of 0.5 for the forest.
            seed: Of the forest. Defaults to 0.

        Raises:
            InputError: for inputs that are not numbers a feature, or when nothing would be left.

        Example:
            >>> import dlkit as dk
            >>> data = dk.data.load("iris").without_outliers("z_score", threshold=2.5)
            Left out 2 of 108 training examples (rows 15, 33).
        """
        return outliers.without_outliers(self, method, threshold, seed)

    def duplicates(self) -> tuple[np.ndarray, ...]:
        """Return the row numbers of examples with the same raw input, a group each.

        Equal means equal bytes, of the file where examples are files; all splits are looked at.

        Example:
            >>> import dlkit as dk
            >>> [rows.tolist() for rows in dk.data.load("iris").duplicates()]
            [[101, 142]]
        """
        return duplicates.duplicates(self)

    def without_duplicates(self) -> Data:
        """Return a record in which no raw input is there twice; it prints how many went.

        Of equal examples the one for testing stays, or else the one for validation, or the first.
        Test examples stay all.

        Example:
            >>> import dlkit as dk
            >>> data = dk.data.load("iris").without_duplicates()
            Left out 1 of 108 training and 0 of 12 validation examples that repeat others.
        """
        return duplicates.without_duplicates(self)

    def check(self, *, show: bool = True) -> tuple[Finding, ...]:
        """Look for what spoils a training, and print a table that says what to do.

        When to use: before the first training on data of your own. It looks at the range and counts
        of labels and boxes, constant and missing columns, scale and NaN of what the network gets,
        sizes of pictures, lengths of texts and sounds, translations that lost step, raters that
        training lacks, neighbours of one class, and examples that are equal or nearly so in two
        splits. Equal ones are found among all examples; the rest is bounded, whatever the size: it
        looks at up to 5,000 training examples, 1,000 of each other split and 512 network inputs,
        the same ones each time.

        Args:
            show: Print the table. Defaults to True.

        Returns:
            What was found, a record a line of the table; `print` shows the table again.

        Example:
            >>> import dlkit as dk
            >>> found = dk.data.load("breast_cancer").check(show=False)
            >>> {finding.what: finding.level for finding in found}["class balance"]
            'ok'
        """
        return check_record(self, show)
