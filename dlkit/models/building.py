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
    `dlkit.training.CompileOptions`), so that it can learn whatever their units are. Data with
    several inputs goes to a builder that declares as many of their kinds (`@builder(inputs=...)`).

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
    inputs = read_inputs(data)
    if len(inputs) > 1 and all(len(catalogue.each_kind(kinds)) == 1 for kinds in info.inputs):
        raise InputError(
            f"'{data.name}' has {len(inputs)} inputs ({', '.join(inputs)}), and {info.name} takes"
            " data with one: join them, or write the model in Keras."
        )
    check_fits(info, data.name, tuple(kind for _, kind in inputs.values()), data.task)
    shape = _declared_shape(info, inputs)
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


def read_inputs(data: Any) -> dict[str, tuple[tuple[int | None, ...], str]]:
    """Return the shape of each of the data's inputs, without the batch axis, and its kind.

    Args:
        data: Anything with `input_spec` (name -> spec with `shape` and `dtype`) and `name`.

    Returns:
        By the inputs' names a shape, and a kind in `catalogue.KINDS`.

    Raises:
        InputError: for a rank that no model takes.

    Example:
        >>> import dlkit as dk
        >>> read_inputs(dk.data.load("digits"))
        {'image': ((8, 8, 1), 'image')}
    """
    inputs = {}
    for name, spec in data.input_spec.items():
        shape = tuple(spec.shape)
        whole = "int" in getattr(spec.dtype, "name", str(spec.dtype))
        kinds = {1: "tokens" if whole else "features", 2: "sequence", 3: "image"}
        if whole:
            kinds[0] = "id"
        if len(shape) not in kinds:
            raise InputError(
                f"'{data.name}' holds inputs of shape {shape}, and models take"
                f" {', '.join(catalogue.KINDS.values())}."
            )
        inputs[name] = shape, kinds[len(shape)]
    return inputs


def _declared_shape(
    info: catalogue.BuilderInfo, inputs: dict[str, tuple[tuple[int | None, ...], str]]
) -> Any:
    """Return the shape of one input, or name -> shape in the order in which kinds are declared."""
    if len(inputs) == 1:
        return next(iter(inputs.values()))[0]
    kinds = sorted(kind for _, kind in inputs.values())
    declared = next(k for k in map(catalogue.each_kind, info.inputs) if sorted(k) == kinds)
    left, shapes = dict(inputs), {}
    for kind in declared:
        name = next(name for name, (_, own) in left.items() if own == kind)
        shapes[name] = left.pop(name)[0]
    return shapes


def check_fits(
    info: catalogue.BuilderInfo, data_name: str, kind: catalogue.Kinds, task: str
) -> None:
    """Refuse a model that cannot take this kind of input or do this task.

    Args:
        info: The builder.
        data_name: The data's name, for the message.
        kind: The kind of its input, or those of several in any order.
        task: Its task.

    Raises:
        InputError: saying what the model needs, what the data holds, and which models would fit.

    Example:
        >>> check_fits(find_builder("mlp"), "digits", "image", "multiclass")
    """
    kinds = catalogue.each_kind(kind)

    def takes(one: catalogue.BuilderInfo) -> bool:
        return sorted(kinds) in [sorted(catalogue.each_kind(known)) for known in one.inputs]

    if takes(info) and task in info.tasks:
        return
    fitting = [one.name for one in catalogue.list() if takes(one) and task in one.tasks]
    advice = f"try {', '.join(fitting)}" if fitting else "no model of dlkit takes it yet"
    if not takes(info):
        raise InputError(
            f"{info.name} needs {catalogue.describe_inputs(info)}; '{data_name}' holds"
            f" {' and '.join(kinds)}: {advice}."
        )
    raise InputError(
        f"{info.name} does {', '.join(info.tasks)}; '{data_name}' is a {task} task: {advice}."
    )
