"""From data to a model in one line: `build` reads shapes and task from a `Data` record."""

import importlib
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dlkit.argument_validation import closest
from dlkit.errors import InputError
from dlkit.models import catalogue

if TYPE_CHECKING:
    import keras


def build(name: str, data: Any, **options: Any) -> "keras.Model":
    """Build and compile the model of that name for `data`.

    A regression's outputs and its loss are scaled by the training targets (`target_scale` of
    `dlkit.training.CompileOptions`), so that it can learn whatever their units are. A builder with
    an `input_scale` is told how the images were standardised, one with a `vocab_size` how many
    tokens there are, one with `target_columns` which variables of a series are predicted, one with
    `bin_edges` and `feature_columns` how the numbers of a table are divided. Data with several
    inputs goes to a builder that declares as many of their kinds (`@builder(inputs=...)`).

    Args:
        name: A name in `dk.models.list()`.
        data: A `dlkit.data.Data`, or anything with its `input_spec`, `num_classes`, `task`, `name`
            and, if it likes, `target_scale`, `input_scale`, `vocabularies`, `target_columns`,
            `bin_edges` and `feature_columns`.
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
    any_kind = info.inputs == (catalogue.ANY,)
    alone = all(len(catalogue.each_kind(kinds)) == 1 for kinds in info.inputs)
    if len(inputs) > 1 and alone and not any_kind:
        raise InputError(
            f"'{data.name}' has {len(inputs)} inputs ({', '.join(inputs)}), and {info.name} takes"
            " data with one: join them, or write the model in Keras."
        )
    check_fits(info, data.name, tuple(kind for _, kind in inputs.values()), data.task)
    shape = declared_shape(info, inputs)
    if any_kind:
        options.setdefault("kinds", tuple(kind for _, kind in inputs.values()))
    options.setdefault("task", data.task)
    if options["task"] == data.task == "regression":
        options.setdefault("target_scale", getattr(data, "target_scale", None))
    function = builder_function(info)
    for option in asked_of_data(function) - options.keys():
        options[option] = _ASK[option](data)
    return function(shape, data.num_classes, **options)


def _vocab_size(data: Any) -> int | None:
    """Return how many tokens the first input has."""
    tokens = (getattr(data, "vocabularies", None) or {}).get(next(iter(data.input_spec)))
    return None if tokens is None else len(tokens)


# What a builder may want to know of data, by the names of its options: the bins of a table's
# numbers and the column of each, how images were standardised, which channels of a series are
# predicted, how many tokens there are. `None` where the data does not know. Only what is wanted is
# asked for: bins take an epoch of the data, a scale a run of the preprocessing.
_ASK: dict[str, Callable[[Any], Any]] = {
    "bin_edges": lambda data: getattr(data, "bin_edges", None),
    "feature_columns": lambda data: getattr(data, "feature_columns", None),
    "input_scale": lambda data: getattr(data, "input_scale", None),
    "target_columns": lambda data: getattr(data, "target_columns", None),
    "vocab_size": _vocab_size,
}


OPTIONS_OF_DATA = (*_ASK, "target_scale")  # what `build` passes to the builder itself


def asked_of_data(function: Callable[..., Any]) -> set[str]:
    """Return the options of a builder that `build` asks the data for.

    Example:
        >>> asked_of_data(builder_function(find_builder("rnn")))
        {'vocab_size'}
    """
    return _ASK.keys() & inspect.signature(function).parameters.keys()


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


def declared_shape(
    info: catalogue.BuilderInfo, inputs: dict[str, tuple[tuple[int | None, ...], str]]
) -> Any:
    """Return the shape of one input, or name -> shape in the order in which kinds are declared.

    Args:
        info: A builder that takes these kinds.
        inputs: What `read_inputs` returns.

    Example:
        >>> declared_shape(find_builder("cnn"), {"scan": ((8, 8, 1), "image")})
        (8, 8, 1)
    """
    if len(inputs) == 1:
        return next(iter(inputs.values()))[0]
    if info.inputs == (catalogue.ANY,):
        return {name: shape for name, (shape, _) in inputs.items()}
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
    if catalogue.takes(info, kinds) and task in info.tasks:
        return
    fitting = [
        one.name
        for one in catalogue.list()
        if catalogue.takes(one, kinds, of_any=False) and task in one.tasks
    ]
    advice = f"try {', '.join(fitting)}" if fitting else "no model of dlkit takes it yet"
    if not catalogue.takes(info, kinds):
        raise InputError(
            f"{info.name} needs {catalogue.describe_inputs(info)}; '{data_name}' holds"
            f" {' and '.join(kinds)}: {advice}."
        )
    raise InputError(
        f"{info.name} does {', '.join(info.tasks)}; '{data_name}' is a {task} task: {advice}."
    )
