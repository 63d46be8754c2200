"""The `@builder` decorator: what every builder does before and after its own few lines.

It checks the arguments, fixes the random seed and the dtype policy while the layers are made, and
fills in the compile options that suit the family. The builder's own body stays an architecture to
be read.
"""

import contextlib
import functools
import inspect
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras

from dlkit.argument_validation import check_choice, check_integer, check_names
from dlkit.errors import InputError
from dlkit.models.catalogue import (
    ANY,
    BuilderInfo,
    Kinds,
    describe_inputs,
    each_kind,
    first_line,
    register_builder,
)
from dlkit.models.hyperparameters import HyperParameter
from dlkit.models.rematerialization import rematerialize
from dlkit.tasks import PLACE_TASKS
from dlkit.training.compiling import OPTIMIZER_OPTIONS, CompileOptions, check_compile_options

_RANKS = {"features": 1, "id": 0, "image": 3, "sequence": 2, "tokens": 1}


def builder(
    *,
    tasks: tuple[str, ...],
    inputs: tuple[Kinds, ...],
    reference: str,
    options: Mapping[str, Any] | None = None,
    cpu: Mapping[str, Any] | None = None,
    test_config: Mapping[str, Any] | None = None,
    space: Mapping[str, HyperParameter] | None = None,
) -> Callable[[Callable[..., keras.Model]], Callable[..., keras.Model]]:
    """Register a function as a builder. In dlkit's own files every argument is a literal.

    The function takes `(input_shape, num_classes, *, task=..., <its options>, **compile_options)`
    and ends with `return compile_model(keras.Model(inputs, outputs), task=task,
    **compile_options)`.

    Args:
        tasks: The tasks it can be trained for.
        inputs: The kinds of input it takes: `"features"`, `"id"`, `"image"`, `"sequence"`,
            `"tokens"`. A tuple among them is several inputs at once: with
            `inputs=(("image", "features"),)` the function gets `{name: shape}` for `input_shape`,
            in that order, and makes a `keras.Input` of each name. `("any",)` is for a builder of
            other models, which checks the kinds by them.
        reference: The paper: authors, year, where it can be found.
        options: Compile options in which the family differs from `compile_model`'s defaults. What
            belongs to an optimizer or a loss gives way when the user names another. Defaults to
            `None`.
        cpu: `jit_compile` and `steps_per_execution` as measured to be fast on a CPU with
            TensorFlow. Defaults to `None`: Keras's choice.
        test_config: `input_shape` and options of a tiny model, for the shared tests.
            Defaults to `None`.
        space: What a search tries, by option of the builder or of `compile_model`, or
            `"batch_size"`: `Choice`, `Float`, `Int` or `Boolean`. Defaults to `None`: what a search
            is told.

    Returns:
        The decorator.

    Raises:
        InputError: for a name that is taken, a task or a kind of input that does not exist.

    Example:
        >>> @builder(tasks=("regression",), inputs=("features",), reference="Gauss 1809")
        ... def line(input_shape, num_classes, *, task="regression", **compile_options):
        ...     "A straight line through the data."
        ...     from dlkit.training.compiling import compile_model
        ...     layers = [keras.Input(input_shape), keras.layers.Dense(num_classes)]
        ...     return compile_model(keras.Sequential(layers), task=task, **compile_options)
        >>> line((2,), 1).count_params()
        3
        >>> from dlkit.models import catalogue
        >>> info, function = catalogue.REGISTERED.pop("line")  # forget it again
    """

    def decorate(function: Callable[..., keras.Model]) -> Callable[..., keras.Model]:
        info = BuilderInfo(
            name=function.__name__,
            family=function.__module__.removeprefix("dlkit.models."),
            description=first_line(inspect.getdoc(function)),
            tasks=tuple(tasks),
            inputs=tuple(inputs),
            reference=reference,
            options=dict(options or {}),
            cpu=dict(cpu or {}),
            test_config=dict(test_config or {}),
            space=dict(space or {}),
        )
        own = inspect.signature(function).parameters

        @functools.wraps(function)
        def checked(input_shape: Any, num_classes: Any, **given: Any) -> keras.Model:
            known = {name for name, p in own.items() if p.kind is p.KEYWORD_ONLY}
            check_names(info.name, given, known | set(CompileOptions.__annotations__))
            task = given.setdefault("task", own["task"].default)
            shape = _check_shape(info, input_shape)
            classes = _check_classes(info, num_classes, task)
            merged = with_preferences(info, given, open_ended=None in shape)
            seed = _check_seed(merged.pop("seed", None))
            policy = _policy(merged.pop("mixed_precision", None))
            recompute = _check_rematerialize(merged.pop("rematerialize", False))
            check_compile_options(
                **{k: v for k, v in merged.items() if k in CompileOptions.__annotations__}
            )
            with seeded(seed), dtype_policy(policy):
                model = _with_optimizer_built(function(shape, classes, **merged))
                return rematerialize(model) if recompute else model

        register_builder(info, checked)
        return checked

    return decorate


@contextlib.contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Fix the seeds that Keras draws while layers are made, and leave the global state as it was.

    Keras draws the seed of every initializer and dropout layer that has none from Python's
    `random`.

    Args:
        seed: A whole number, or None to change nothing.

    Example:
        >>> with seeded(1):
        ...     first = keras.initializers.GlorotUniform().seed
        >>> with seeded(1):
        ...     first == keras.initializers.GlorotUniform().seed
        True
    """
    if seed is None:
        yield
        return
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


@contextlib.contextmanager
def dtype_policy(policy: str | None) -> Iterator[None]:
    """Set Keras's global dtype policy while layers are made.

    Args:
        policy: A policy's name, or None to change nothing.

    Example:
        >>> with dtype_policy("mixed_bfloat16"):
        ...     keras.layers.Dense(1).compute_dtype
        'bfloat16'
    """
    if policy is None:
        yield
        return
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def on_gpu() -> bool:
    """Return whether Keras's backend sees a GPU.

    Example:
        >>> isinstance(on_gpu(), bool)
        True
    """
    return bool(keras.distribution.list_devices("gpu"))


def _with_optimizer_built(model: keras.Model) -> keras.Model:
    """Return the model ready to train: an optimizer that its first step builds is traced twice."""
    if model.built and model.optimizer is not None and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    return model


def _check_shape(info: BuilderInfo, shape: Any) -> Any:
    """Return the shape as a tuple, or those of several inputs by their names."""
    if isinstance(shape, Mapping):
        return _check_shapes(info, shape)
    takes = describe_inputs(info)
    if isinstance(shape, (str, bytes)) or not hasattr(shape, "__iter__"):
        raise InputError(
            f"input_shape must be a tuple without the batch axis: {info.name} takes {takes}."
            f" Received: input_shape={shape!r}."
        )
    shape = tuple(shape)
    known = map(each_kind, tuple(_RANKS) if info.inputs == (ANY,) else info.inputs)
    alone = [kinds[0] for kinds in known if len(kinds) == 1]
    fitting = [kind for kind in alone if _RANKS[kind] == len(shape)]
    if not fitting:
        raise InputError(f"{info.name} needs {takes}. Received: input_shape={shape!r}.")
    return _check_axes("input_shape", shape, fitting)


def _check_shapes(info: BuilderInfo, shapes: Mapping[str, Any]) -> dict[str, Any]:
    """Return name -> shape, if their ranks are those of kinds that are declared, in that order."""
    ranks = [len(shape) if hasattr(shape, "__len__") else -1 for shape in shapes.values()]
    known = [each_kind(kinds) for kinds in info.inputs]
    if info.inputs == (ANY,):
        by_rank = {rank: kind for kind, rank in _RANKS.items()}
        known = [tuple(by_rank.get(rank, "image") for rank in ranks)]
    for kinds in known:
        if len(kinds) > 1 and [_RANKS[kind] for kind in kinds] == ranks:
            return {
                name: _check_axes(f"input_shape[{name!r}]", tuple(shape), [kind])
                for (name, shape), kind in zip(shapes.items(), kinds, strict=True)
            }
    raise InputError(
        f"{info.name} needs {describe_inputs(info)}. Received: input_shape={dict(shapes)!r}."
    )


def _check_axes(argument: str, shape: Any, kinds: list[str]) -> tuple[int | None, ...]:
    """Return the shape; the length of a sequence or of tokens may be None."""
    open_ended = not {"sequence", "tokens"}.isdisjoint(kinds)
    for axis, size in enumerate(shape):
        if size is not None or axis > 0 or not open_ended:
            check_integer(f"{argument}[{axis}]", size)
    return tuple(size if size is None else int(size) for size in shape)


def _check_classes(info: BuilderInfo, num_classes: Any, task: Any) -> int:
    """Return the width of the label as an int if it suits the task."""
    check_choice(f"{info.name}'s task", task, info.tasks)
    classes = check_integer("num_classes", num_classes)
    if task == "binary" and classes != 2:
        raise InputError(
            f"task='binary' has num_classes=2. Received: num_classes={classes}."
            " For more classes use task='multiclass', for one number task='regression'."
        )
    if task in ("multiclass", *PLACE_TASKS) and classes < 2:
        advice = "To predict one number use task='regression'."
        if task == "segmentation":
            advice = "What is not of the class, as the background, is a class too."
        raise InputError(
            f"task='{task}' needs at least 2 classes. Received: num_classes={classes}. {advice}"
        )
    return classes


def _check_seed(seed: Any) -> int | None:
    return seed if seed is None else check_integer("seed", seed, minimum=0)


def _check_rematerialize(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise InputError(f"rematerialize must be True or False. Received: rematerialize={value!r}.")


def _policy(mixed_precision: Any) -> str | None:
    """Return the dtype policy's name, or None to leave Keras's global one."""
    if mixed_precision is None or isinstance(mixed_precision, bool):
        if not mixed_precision:
            return None if mixed_precision is None else "float32"
        return "mixed_float16" if on_gpu() else "mixed_bfloat16"
    known = ("float32", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
    return check_choice("mixed_precision", mixed_precision, known)


def with_preferences(
    info: BuilderInfo, given: Mapping[str, Any], *, open_ended: bool = False
) -> dict[str, Any]:
    """Return what was given on top of what the family prefers.

    Args:
        info: A builder.
        given: Options of it, or of `compile_model`, `task` among them.
        open_ended: Whether batches have several lengths, for each of which XLA would compile the
            network again. Defaults to False.

    Example:
        >>> from dlkit.models.building import find_builder
        >>> with_preferences(find_builder("perceptron"), {"task": "binary"})["learning_rate"]
        0.01
    """
    preferred = dict(info.options)
    optimizer = preferred.get("optimizer", "adam")
    if given.get("optimizer", optimizer) != optimizer:
        for name in ("optimizer", *OPTIMIZER_OPTIONS):
            preferred.pop(name, None)
    if given.get("loss") is not None or given["task"] == "regression":
        preferred.pop("label_smoothing", None)
    merged = {**preferred, **given}
    if keras.backend.backend() == "tensorflow" and not on_gpu():
        for name, value in info.cpu.items():
            if merged.get(name, "auto") == "auto":
                merged[name] = value and not open_ended if name == "jit_compile" else value
    return merged
