"""What a training depends on, and what of it can be refused before TensorFlow is loaded."""

from __future__ import annotations

import dataclasses
import functools
import os
import re
from typing import TYPE_CHECKING, Any

from dlkit.argument_validation import check_choice, check_integer
from dlkit.data.catalogue import resolving
from dlkit.data.catalogue.sets import SETS
from dlkit.data.core.kinds import find_kind
from dlkit.errors import InputError
from dlkit.models.building import check_fits, find_builder
from dlkit.models.catalogue import KINDS

if TYPE_CHECKING:
    import keras

    from dlkit.data.catalogue.resolving import Source
    from dlkit.data.data import Data
    from dlkit.models.catalogue import BuilderInfo

SCHEDULES = ("one_cycle", "constant")
# What the job itself passes to the builder.
_RESERVED = {
    "seed": "give the job's seed instead (--seed)",
    "name": "the job's model says it",
    "data": "the job's data says it",
    "task": "it comes from the data",
    "input_shape": "it comes from the data",
    "num_classes": "it comes from the data",
}
# What the job itself passes to the data's loader.
_DATA_RESERVED = {
    "batch_size": "give the job's batch_size instead (--batch-size)",
    "seed": "give the job's seed instead (--seed)",
    "name": "it is the data set",
    "target": "give the job's target instead (--target)",
    "delimiter": "give the job's delimiter instead (--delimiter)",
}
# One cycle passes through rates at which a constant rate would diverge, and gains from it.
_PEAK = 4.0


@dataclasses.dataclass(frozen=True)
class Job:
    """What a training depends on: with the same job, the same weights come out.

    Attributes:
        model: A builder's name.
        data: A data set's name, or where your own data lies: a folder or a CSV file, as
            `dlkit check` takes them.
        epochs: Passes over the training data. Defaults to 10.
        batch_size: Examples a step. Defaults to None: 64, and fewer of a set of less than a
            thousand (`Source.batch_size`).
        seed: Of data order, augmentation, initial weights and dropout. Defaults to 0.
        val_fraction: Part of the training data kept for validation, in [0, 1). Defaults to 0.1.
        augment: Whether training data is augmented as suits the data set. Defaults to True.
        schedule: `"one_cycle"`, which peaks at `learning_rate` or else at four times the
            optimizer's own rate, or `"constant"`. Defaults to "one_cycle".
        options: The builder's options. Defaults to none.
        data_options: What `dlkit.data.load` takes for this data set besides, or the function for
            this kind of own data, as `encoding` for texts; `val_fraction` and `augment` among them
            go before those above. Defaults to none.
        target: The column of a CSV file to predict. Defaults to None.
        delimiter: What stands between the cells of a CSV file. Defaults to None: a comma.
        data_fingerprint: 16 digits of own data as it was (`Source.fingerprint`); a job that has
            them takes no other. Defaults to None: whatever is there.

    Example:
        >>> Job("cnn", "digits").epochs
        10
    """

    model: str
    data: str
    epochs: int = 10
    batch_size: int | None = None
    seed: int = 0
    val_fraction: float = 0.1
    augment: bool = True
    schedule: str = "one_cycle"
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    data_options: dict[str, Any] = dataclasses.field(default_factory=dict)
    target: str | None = None
    delimiter: str | None = None
    data_fingerprint: str | None = None

    @functools.cached_property
    def source(self) -> Source:
        """What `data` stands for.

        Raises:
            InputError: when there is no such set, folder or file, or it says not what it holds.
        """
        columns = self.data_options.get("columns")
        return resolving.resolve_source(self.data, self.target, self.delimiter, columns=columns)

    @property
    def step_size(self) -> int:
        """The examples of a step, by the job or else by its data."""
        return self.source.batch_size if self.batch_size is None else self.batch_size

    @property
    def data_name(self) -> str:
        """The data's name, as part of a file's."""
        return re.sub(r"[^\w.-]+", "_", self.source.name, flags=re.ASCII)

    def check(self) -> None:
        """Refuse what can be told to be wrong before TensorFlow is loaded.

        Raises:
            InputError: for an unknown name, a model that cannot do the data, a number out of range.
        """
        model = find_builder(self.model)
        self.check_data("the job")
        _check_fits(self, model, self.source)
        check_integer("epochs", self.epochs)
        if self.batch_size is not None:  # that of the data takes a look at its files
            check_integer("batch_size", self.batch_size)
        check_integer("seed", self.seed, minimum=0)
        check_choice("schedule", self.schedule, SCHEDULES)
        for key in _RESERVED.keys() & self.options.keys():
            raise InputError(f"{key} is no option of {self.model}: {_RESERVED[key]}.")
        for key in _DATA_RESERVED.keys() & self.data_options.keys():
            raise InputError(f"{key} is no option of {self.data} here: {_DATA_RESERVED[key]}.")

    def check_data(self, owner: str) -> None:
        """Refuse own data that is not there, or not as it was where the job tells its fingerprint.

        Args:
            owner: Whose data it is, for messages.

        Raises:
            InputError: naming it.
        """
        known, test = self.data_fingerprint, self.data_options.get("test")
        if known and any(self.data == info.name for info in SETS):
            raise InputError(
                f"'{self.data}' is a named set, and data_fingerprint is of own data: leave it out."
                f" Received: data_fingerprint='{known}'."
            )
        places = {self.data: ", or say where it lies now with --data", test: ""}
        for place, advice in places.items() if known else ():
            if place is not None and not os.path.exists(place):
                raise InputError(
                    f"The data of {owner} is not at {place} any more: put it back{advice}."
                )
        source = self.source
        if known and source.fingerprint(test) != known:
            raise self.changed_data(owner)

    def changed_data(self, owner: str) -> InputError:
        """Return the error for own data that is not as it was."""
        return InputError(
            f"{self.data} is not as it was when {owner} began: its splits and preprocessing would"
            " be others; put it back as it was, or train a new run, by a job without a"
            f" data_fingerprint. Received: data_fingerprint='{self.data_fingerprint}'."
        )

    def with_place(self) -> Job:
        """Return the job with the place of its own data as seen from anywhere, and how it is now.

        Raises:
            InputError: when there is no such data.
        """
        if self.source.path is None:
            return self
        options = dict(self.data_options)
        if (test := options.get("test")) is not None:
            options["test"] = os.path.abspath(resolving.existing(str(test)))
        return dataclasses.replace(
            self,
            data=os.path.abspath(resolving.existing(self.data)),
            data_options=options,
            data_fingerprint=self.source.fingerprint(options.get("test")),
        )

    def describe(self) -> dict[str, Any]:
        """Return what a run's `config.json` keeps, and a job file may say: what is not None.

        Example:
            >>> Job("cnn", "digits").describe()["data"]
            'digits'
        """
        return {name: v for name, v in dataclasses.asdict(self).items() if v is not None}

    def load_data(self) -> Data:
        """Return the job's data."""
        options = {"val_fraction": self.val_fraction, **self.source.training}
        if not self.augment:
            options["augment"] = None
        options |= {"batch_size": self.step_size, "seed": self.seed}
        return self.source.load(**options | self.data_options)

    def build_model(self, data: Data) -> keras.Model:
        """Return the job's compiled model, with its schedule."""
        import dlkit
        from dlkit.training.schedules import each_optimizer

        model = dlkit.models.build(self.model, data, seed=self.seed, **self.options)
        rate = self.options.get("learning_rate")
        if self.schedule == "one_cycle":
            parts = each_optimizer(model.optimizer)
            rates = [float(part.learning_rate) for part in parts]
            peak = rate if rate is not None else _PEAK * max(rates)
            batches = self.epochs * int(data.train.cardinality())
            steps = max(1, batches // (self.options.get("gradient_accumulation_steps") or 1))
            for part, own in zip(parts, rates, strict=True):
                part.learning_rate = dlkit.training.OneCycle(peak * own / max(rates), steps)
        return model


def _check_fits(job: Job, model: BuilderInfo, data: Source) -> None:
    # What a loader makes of sounds or texts, and by options of anything, it has to tell itself.
    told = data.kind in KINDS and not job.data_options
    kind = data.kind if told else model.inputs[0]
    task = job.data_options.get("task", data.task)
    check_fits(model, data.name, kind, model.tasks[0] if task is None else task)
    vectors = "features" in model.inputs and "tokens" not in model.inputs
    tokens = find_kind(data.kind).vocabulary and "encoding" not in job.data_options
    if tokens and vectors:
        raise InputError(
            f"{model.name} takes vectors, and '{data.name}' gives tokens: make vectors of the"
            " texts with the data's option encoding (--data-option encoding=tf_idf)."
        )
