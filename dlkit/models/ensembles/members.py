"""An ensemble's members: what was asked for, checked, and built.

members -> parse_members -> specs -> make_members -> models
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from dlkit.errors import InputError
from dlkit.models import catalogue
from dlkit.models.building import asked_of_data, builder_function, declared_shape, find_builder
from dlkit.models.ensembles.methods import lone
from dlkit.models.registry import with_preferences
from dlkit.training.compiling import CompileOptions

# A `BuilderInfo` and the builder's options, or a Keras model.
Spec = Any
_COUNT = 5
_DEFAULT = {"image": "cnn", "features": "mlp", "sequence": "mlp"}
_BY_RANK = {0: "id", 1: "features", 2: "sequence", 3: "image"}
# What a member is compiled with by itself; the rest of the compile options is the ensemble's.
_OWN = ("loss", "label_smoothing", "seed")


def name_kinds(input_shape: Any, kinds: Sequence[str] | None) -> dict[str, tuple[Any, str]]:
    """Return the shape and the kind of each input, by its name, as `read_inputs` does.

    Args:
        input_shape: Shape of one input, or name -> shape of several.
        kinds: The kind of each, or None: by its rank.

    Raises:
        InputError: for another number of kinds, or one that does not exist.

    Example:
        >>> name_kinds((8, 8, 1), None)
        {'input': ((8, 8, 1), 'image')}
    """
    shapes = input_shape if isinstance(input_shape, Mapping) else {"input": input_shape}
    known = [_BY_RANK[len(shape)] for shape in shapes.values()] if kinds is None else list(kinds)
    if len(known) != len(shapes) or not {*known} <= {*catalogue.KINDS}:
        raise InputError(
            f"kinds must be from: {', '.join(catalogue.KINDS)}; one for each input, of which there"
            f" {'is one' if len(shapes) == 1 else f'are {len(shapes)}'}. Received: kinds={kinds!r}."
        )
    return dict(zip(shapes, zip(shapes.values(), known, strict=True), strict=True))


def parse_members(members: Any, kinds: Sequence[str], *, task: str, method: str) -> list[Spec]:
    """Return what each member is, all of them fit for the input, the task and the method.

    Args:
        members: As `ensemble` takes them.
        kinds: The kind of each input.
        task: The ensemble's task.
        method: The ensemble's method.

    Raises:
        InputError: for members that cannot be used, or fewer than two.

    Example:
        >>> specs = parse_members("mlp,cnn", ["image"], task="binary", method="averaging")
        >>> [info.name for info, _ in specs]
        ['mlp', 'cnn']
    """
    specs = [_parse(member) for member in _listed(members, kinds)]
    if len(specs) < 2:
        raise InputError(
            "An ensemble has two members or more; members='mlp' makes five of one."
            f" Received: members={members!r}."
        )
    for spec in specs:
        if isinstance(spec, tuple):
            _check_builder(spec[0], kinds, task, method)
    models = [spec for spec in specs if isinstance(spec, keras.Model)]
    if len({id(model) for model in models}) < len(models):
        raise InputError(
            "A model can be a member once: two members that are one have the same weights."
            f" Received: members={[model.name for model in models]}."
        )
    if method == "snapshot" and (models or any(spec != specs[0] for spec in specs)):
        raise InputError(
            "method='snapshot' takes members that are alike, as members='mlp': they are one network"
            f" at several times. Received: members={members!r}."
        )
    return specs


def _listed(members: Any, kinds: Sequence[str]) -> list[Any]:
    """Return a list of what each member is, of all that stands for one."""
    if members is None:
        if len(kinds) > 1 or kinds[0] not in _DEFAULT:
            raise InputError(
                f"An ensemble has no members of its own for {' and '.join(kinds)}: name those that"
                f" take them, or give Keras models. Received: members={members}."
            )
        members = _DEFAULT[kinds[0]]
    if isinstance(members, str):
        members = [name.strip() for name in members.split(",")]
        return members * _COUNT if len(members) == 1 else members
    if _is_pair(members):
        return [members] * _COUNT
    if isinstance(members, Sequence):
        return list(members)
    raise InputError(
        "members must be builders' names, names with options as ('mlp', {'units': (32,)}), or Keras"
        f" models. Received: members={members!r}."
    )


def _is_pair(member: Any) -> bool:
    pair = isinstance(member, Sequence) and not isinstance(member, str) and len(member) == 2
    return pair and isinstance(member[0], str) and isinstance(member[1], Mapping)


def _parse(member: Any) -> Spec:
    """Return a member's builder and options, or the model that it is."""
    if isinstance(member, keras.Model):
        return member
    if isinstance(member, str):
        return find_builder(member), {}
    if not _is_pair(member):
        raise InputError(
            "A member is a builder's name, a name with options as ('mlp', {'units': (32,)}), or a"
            f" Keras model. Received: {member!r}."
        )
    info, options = find_builder(member[0]), dict(member[1])
    for name in options:
        if name in CompileOptions.__annotations__ and name not in _OWN:
            raise InputError(
                f"{name} is of the whole ensemble: give it to that, and not to a member. Received:"
                f" members=[('{info.name}', {{'{name}': {options[name]!r}}})]."
            )
    return info, options


def _check_builder(
    info: catalogue.BuilderInfo, kinds: Sequence[str], task: str, method: str
) -> None:
    """Refuse a builder that does not take this input or do this task."""
    if info.inputs == (catalogue.ANY,):
        raise InputError(f"An ensemble cannot be a member. Received: members=['{info.name}'].")
    if not catalogue.takes(info, kinds):
        raise InputError(
            f"The member {info.name} needs {catalogue.describe_inputs(info)}."
            f" Received: an input of {' and '.join(kinds)}."
        )
    why = ""
    if method == "boosting":
        task, why = "regression", " (method='boosting' adds the numbers of regressions)"
    if task not in info.tasks:
        raise InputError(
            f"The member {info.name} does {', '.join(info.tasks)}. Received: task={task!r}{why}."
        )


def common_preferences(specs: Sequence[Spec], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given on top of what all members' builders prefer.

    Args:
        specs: What the members are.
        given: The ensemble's compile options, `task` among them.

    Example:
        >>> specs = [(find_builder(name), {}) for name in ("perceptron", "perceptron")]
        >>> common_preferences(specs, {"task": "binary"})["learning_rate"]
        0.01
    """
    first, *others = (
        with_preferences(spec[0], given) if isinstance(spec, tuple) else dict(given)
        for spec in specs
    )
    preferred = {name: value for name, value in first.items() if name not in given}
    agreed = {
        name: value
        for name, value in preferred.items()
        if all(other.get(name) == value for other in others)
    }
    return {**given, **agreed}


def make_members(
    specs: Sequence[Spec],
    inputs: dict[str, tuple[Any, str]],
    num_classes: int,
    *,
    method: str,
    options: Mapping[str, Any],
    loss: Any,
) -> list[keras.Model]:
    """Return the members, each with another seed and name, with a loss and without an optimizer.

    Args:
        specs: What they are.
        inputs: What `name_kinds` returns.
        num_classes: Classes, labels, or numbers to predict.
        method: The ensemble's method.
        options: The ensemble's task, what it knows of the data, and of its compile options
            those that were given.
        loss: The ensemble's, for models that are not compiled.

    Raises:
        InputError: for an option of a member, or a model, that cannot be used.
    """
    task, scale = options["task"], options.get("target_scale")
    units = 1 if task == "binary" else num_classes
    shared = {name: options[name] for name in ("loss", "label_smoothing") if name in options}
    shared |= {"task": task, "target_scale": scale}
    if method == "boosting":  # stages are regressions, whose own losses are not used
        num_classes = units
        shared = {"task": "regression", "target_scale": scale and (0.0, scale[1])}
    shared["optimizer"] = "sgd"  # the ensemble's trains them, and this one holds no moments
    for spec in specs:
        if isinstance(spec, keras.Model):
            _check_model(spec, inputs, units, classes=task != "regression", method=method)
    made = []
    for number, spec in enumerate(specs, 1):
        if isinstance(spec, keras.Model):
            member = lone(spec, spec.loss if spec.compiled else loss)
        else:
            info, own = spec
            build = builder_function(info)
            drawn = {**shared, "seed": random.getrandbits(31), **own}
            for option in asked_of_data(build):
                drawn.setdefault(option, options.get(option))
            member = build(declared_shape(info, inputs), num_classes, **drawn)
            member = lone(member, member.loss)
        member.name = f"{member.name}_{number}"
        made.append(member)
    return made


def _check_model(
    model: keras.Model, inputs: Mapping[str, Any], units: int, *, classes: bool, method: str
) -> None:
    """Refuse a model of other inputs or outputs, or with an activation that is not the method's."""
    if not model.built or not model.inputs:
        raise InputError(
            f"A member begins with keras.Input, so that its shapes are known. Received:"
            f" '{model.name}'."
        )
    asked = {name: tuple(shape) for name, (shape, _) in inputs.items()}
    taken = {tensor.name: tuple(tensor.shape[1:]) for tensor in model.inputs}
    if len(inputs) == 1:  # whatever its name
        taken = dict(zip(asked, taken.values(), strict=False)) if len(taken) == 1 else taken
    if taken != asked:
        raise InputError(
            f"The member '{model.name}' takes inputs of shape {_told(taken)}."
            f" Received: input_shape={_told(asked)}."
        )
    given = [tuple(tensor.shape[1:]) for tensor in model.outputs]
    if given != [(units,)]:
        raise InputError(
            f"The member '{model.name}' must give {units} number{'s' * (units > 1)} an example."
            f" Received: outputs of shape {', '.join(map(str, given))}."
        )
    activation = getattr(getattr(model.layers[-1], "activation", None), "__name__", None)
    if classes and activation is not None and (activation == "linear") != (method == "boosting"):
        wanted = "numbers, by a linear last layer" if method == "boosting" else "probabilities"
        raise InputError(
            f"With method={method!r} members give {wanted}. Received: the activation"
            f" '{activation}' of '{model.name}'."
        )


def _told(shapes: Mapping[str, Any]) -> Any:
    return dict(shapes) if len(shapes) > 1 else next(iter(shapes.values()))
