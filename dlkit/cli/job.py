"""What a training depends on, and what of it can be refused before TensorFlow is loaded."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from dlkit.argument_validation import check_choice, check_integer
from dlkit.data.catalogue import loading
from dlkit.data.core.kinds import find_kind
from dlkit.errors import InputError
from dlkit.models.building import check_fits, find_builder
from dlkit.models.catalogue import KINDS

if TYPE_CHECKING:
    import keras

    from dlkit.data.catalogue.sets import DataSetInfo
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
}
# One cycle passes through rates at which a constant rate would diverge, and gains from it.
_PEAK = 4.0


@dataclasses.dataclass(frozen=True)
class Job:
    """What a training depends on: with the same job, the same weights come out.

    Attributes:
        model: A builder's name.
        data: A data set's name.
        epochs: Passes over the training data. Defaults to 10.
        batch_size: Examples a step. Defaults to 64.
        seed: Of data order, augmentation, initial weights and dropout. Defaults to 0.
        val_fraction: Part of the training data kept for validation, in [0, 1). Defaults to 0.1.
        augment: Whether training data is augmented as suits the data set. Defaults to True.
        schedule: `"one_cycle"`, which peaks at `learning_rate` or else at four times the
            optimizer's own rate, or `"constant"`. Defaults to "one_cycle".
        options: The builder's options. Defaults to none.
        data_options: What `dlkit.data.load` takes for this data set besides, as `encoding` for
            texts; `val_fraction` and `augment` among them go before those above. Defaults to none.

    Example:
        >>> Job("cnn", "digits").epochs
        10
    """

    model: str
    data: str
    epochs: int = 10
    batch_size: int = 64
    seed: int = 0
    val_fraction: float = 0.1
    augment: bool = True
    schedule: str = "one_cycle"
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    data_options: dict[str, Any] = dataclasses.field(default_factory=dict)

    def check(self) -> None:
        """Refuse what can be told to be wrong before TensorFlow is loaded.

        Raises:
            InputError: for an unknown name, a model that cannot do the data, a number out of range.
        """
        model, data = find_builder(self.model), loading.find_info(self.data)
        _check_fits(self, model, data)
        check_integer("epochs", self.epochs)
        check_integer("batch_size", self.batch_size)
        check_integer("seed", self.seed, minimum=0)
        check_choice("schedule", self.schedule, SCHEDULES)
        for key in _RESERVED.keys() & self.options.keys():
            raise InputError(f"{key} is no option of {self.model}: {_RESERVED[key]}.")
        for key in _DATA_RESERVED.keys() & self.data_options.keys():
            raise InputError(f"{key} is no option of {self.data} here: {_DATA_RESERVED[key]}.")

    def load_data(self) -> Data:
        """Return the job's data."""
        import dlkit

        options = {"val_fraction": self.val_fraction, "augment": self.augment}
        options |= {"batch_size": self.batch_size, "seed": self.seed}
        return dlkit.data.load(self.data, **options | self.data_options)

    def build_model(self, data: Data) -> keras.Model:
        """Return the job's compiled model, with its schedule."""
        import dlkit

        model = dlkit.models.build(self.model, data, seed=self.seed, **self.options)
        rate = self.options.get("learning_rate")
        if self.schedule == "one_cycle":
            peak = rate if rate is not None else _PEAK * float(model.optimizer.learning_rate)
            steps = self.epochs * int(data.train.cardinality())
            model.optimizer.learning_rate = dlkit.training.OneCycle(peak, steps)
        return model


def _check_fits(job: Job, model: BuilderInfo, data: DataSetInfo) -> None:
    # What a loader makes of sounds or texts, and by options of anything, it has to tell itself.
    told = data.kind in KINDS and not job.data_options
    kind = data.kind if told else model.inputs[0]
    check_fits(model, data.name, kind, job.data_options.get("task", data.task))
    vectors = "features" in model.inputs and "tokens" not in model.inputs
    tokens = find_kind(data.kind).vocabulary and "encoding" not in job.data_options
    if tokens and vectors:
        raise InputError(
            f"{model.name} takes vectors, and '{data.name}' gives tokens: make vectors of the"
            " texts with the data's option encoding (--data-option encoding=tf_idf)."
        )
