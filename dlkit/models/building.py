"""From data to a model in one line: `build` reads shapes and task from a `Data` record."""

import importlib
from typing import TYPE_CHECKING, Any

from dlkit.argument_validation import closest
from dlkit.errors import InputError
from dlkit.models import catalogue

if TYPE_CHECKING:
    import keras


def build(name: str, data: Any, **options: Any) -> "keras.Model":
    """Build and compile the model of that name for `data`.

    A regression's outputs and its loss are scaled by the training targets (`target_scale` of
    `dlkit.training.CompileOptions`), so that it can learn whatever their units are.

    Args:
        name: A name in `dk.models.list()`.
        data: A `dlkit.data.Data`, or anything with its `input_spec`, `num_classes`, `task`, `name`
            and, if it likes, `target_scale`.
        **options: The builder's own options and compile options, as `dk.models.<name>` takes them.

    Returns:
        A compiled model that takes the data's inputs and predicts its labels.

    Raises:
        InputError: for an unknown name or option, or a model that cannot take this data, naming
            those that can.

    Example:
        >>> import dlkit as dk
        >>> build("mlp", dk.data.load("digits"), units=(32,)).output_shape
        (None, 10)
    """
    info = find_builder(name)
    shape, kind = read_input_shape(data)
    check_fits(info, data.name, kind, data.task)
    options.setdefault("task", data.task)
    if options["task"] == data.task == "regression":
        options.setdefault("target_scale", getattr(data, "target_scale", None))
    return builder_function(info)(shape, data.num_classes, **options)


def find_builder(name: str) -> catalogue.BuilderInfo:
    """Return what is known of a builder.

    Raises:
        InputError: for an unknown name, with the closest one.

    Example:
        >>> find_builder("cnn").inputs
        ('image',)
    """
    known = {info.name: info for info in catalogue.list()}
    if name in known:
        return known[name]
    raise InputError(
        f"There is no model named {name!r}.{closest(name, known)} The models: {', '.join(known)}."
    )


def builder_function(info: catalogue.BuilderInfo) -> Any:
    """Import a builder's family, if need be, and return the builder.

    Example:
        >>> builder_function(find_builder("cnn")).__name__
        'cnn'
    """
    if info.name not in catalogue.REGISTERED:
        importlib.import_module(f"dlkit.models.{info.family}")
    return catalogue.REGISTERED[info.name][1]


def read_input_shape(data: Any) -> tuple[tuple[int | None, ...], str]:
    """Return the shape of the data's one input, without the batch axis, and its kind.

    Args:
        data: Anything with `input_spec` (name -> spec with `shape` and `dtype`) and `name`.

    Returns:
        The shape, and a kind in `catalogue.KINDS`.

    Raises:
        InputError: for several inputs, or a rank that no model takes.

    Example:
        >>> import dlkit as dk
        >>> read_input_shape(dk.data.load("digits"))
        ((8, 8, 1), 'image')
    """
    if len(data.input_spec) != 1:
        raise InputError(
            f"'{data.name}' has {len(data.input_spec)} inputs ({', '.join(data.input_spec)}), and"
            " dk.models.build takes data with one: join them, or write the model in Keras."
        )
    (spec,) = data.input_spec.values()
    shape = tuple(spec.shape)
    whole = "int" in getattr(spec.dtype, "name", str(spec.dtype))
    kinds = {1: "tokens" if whole else "features", 2: "sequence", 3: "image"}
    if len(shape) not in kinds:
        raise InputError(
            f"'{data.name}' holds inputs of shape {shape}, and models take"
            f" {', '.join(catalogue.KINDS.values())}."
        )
    return shape, kinds[len(shape)]


def check_fits(info: catalogue.BuilderInfo, data_name: str, kind: str, task: str) -> None:
    """Refuse a model that cannot take this kind of input or do this task.

    Args:
        info: The builder.
        data_name: The data's name, for the message.
        kind: The kind of its input.
        task: Its task.

    Raises:
        InputError: saying what the model needs, what the data holds, and which models would fit.

    Example:
        >>> check_fits(find_builder("mlp"), "digits", "image", "multiclass")
    """
    if kind in info.inputs and task in info.tasks:
        return
    fitting = [i.name for i in catalogue.list() if kind in i.inputs and task in i.tasks]
    advice = f"try {', '.join(fitting)}" if fitting else "no model of dlkit takes it yet"
    if kind not in info.inputs:
        needs = " or ".join(catalogue.KINDS[k] for k in info.inputs)
        raise InputError(f"{info.name} needs {needs}; '{data_name}' holds {kind}: {advice}.")
    raise InputError(
        f"{info.name} does {', '.join(info.tasks)}; '{data_name}' is a {task} task: {advice}."
    )
