"""What can be told to be wrong with a job before TensorFlow is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlkit.argument_validation import check_choice, check_integer
from dlkit.data.catalogue import loading as datasets
from dlkit.errors import InputError
from dlkit.models import building
from dlkit.models import catalogue as builders

if TYPE_CHECKING:
    from dlkit.cli.jobs import Job
    from dlkit.data.catalogue.sets import DataSetInfo
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


def check(job: Job) -> None:
    """Refuse a job that cannot be done.

    Raises:
        InputError: for an unknown name, a model that cannot do the data, a number out of range.
    """
    model, data = building.find(job.model), datasets.find(job.data)
    _check_fits(job, model, data)
    check_integer("epochs", job.epochs)
    check_integer("batch_size", job.batch_size)
    check_integer("seed", job.seed, minimum=0)
    check_choice("schedule", job.schedule, SCHEDULES)
    for key in _RESERVED.keys() & job.options.keys():
        raise InputError(f"{key} is no option of {job.model}: {_RESERVED[key]}.")
    for key in _DATA_RESERVED.keys() & job.data_options.keys():
        raise InputError(f"{key} is no option of {job.data} here: {_DATA_RESERVED[key]}.")


def _check_fits(job: Job, model: BuilderInfo, data: DataSetInfo) -> None:
    # What a loader makes of sounds or texts, and by options of anything, it has to tell itself.
    told = data.kind in builders.KINDS and not job.data_options
    kind = data.kind if told else model.inputs[0]
    building.check_fits(model, data.name, kind, job.data_options.get("task", data.task))
    vectors = "features" in model.inputs and "tokens" not in model.inputs
    if data.kind == "text" and vectors and "encoding" not in job.data_options:
        raise InputError(
            f"{model.name} takes vectors, and '{data.name}' gives tokens: make vectors of the"
            " texts with the data's option encoding (--data-option encoding=tf_idf)."
        )
