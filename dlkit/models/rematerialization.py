"""Gradient checkpointing: a training step keeps few activations, and computes the others again.

    forward:   segment -> kept -> segment -> kept -> ... -> last segment -> loss
    backward:  from the last segment to the first: computed again from what was kept before it, then
               its gradients, and its activations are forgotten

There are about as many segments as the square root of the number of operations, so that memory
grows with the root of the depth, for the price of a second forward pass.

Reference: Chen et al. 2016, Training Deep Nets with Sublinear Memory Cost, arXiv:1604.06174.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from dlkit.errors import InputError


def rematerialize(model: keras.Model) -> keras.Model:
    """Have a functional model keep few activations in training, and return it.

    `call` of this object goes through segments of its graph, and all but the last are computed
    again by `keras.remat`. Layers, weights and files stay as they are: a model that is loaded keeps
    everything. `keras.RematScope` would not do: in Keras 3.15 a functional model cannot be trained
    under it, and it keeps the input of each layer, which is most of what there is to keep.

    Args:
        model: A functional or sequential model, or one whose own `call` uses such graphs. A model
            inside of another is cut into segments of its own.

    Returns:
        The same model.

    Raises:
        InputError: for a model without such a graph, or with a layer that is called several times;
            in the first training step for layers that add losses or pass on masks.

    Example:
        >>> x = inputs = keras.Input((4,))
        >>> for _ in range(9):
        ...     x = keras.layers.Dense(4, "relu")(x)
        >>> rematerialize(keras.Model(inputs, x)).count_params()
        180
    """
    graphs = list(_graphs(model))
    if not graphs:
        raise InputError(
            "rematerialize=True needs a functional model, or one that consists of such. Received:"
            f" {type(model).__name__} '{model.name}'."
        )
    for graph, by_segments in [(graph, _in_segments(graph)) for graph in graphs]:
        graph.call = by_segments.call
    return model


def _graphs(model: Any) -> Iterator[Any]:
    """Yield the graphs that training goes through: the model's own, and those of its parts."""
    by_keras = type(model).call.__module__.startswith("keras.")
    parts = {id(part): part for part in getattr(model, "layers", ())}
    if not by_keras:  # a class with a `call` of its own may use graphs that it holds
        parts |= {id(part): part for part in vars(model).values()}
    for part in parts.values():
        if isinstance(part, keras.Model):
            yield from _graphs(part)
    if by_keras and getattr(model, "outputs", None):
        yield model


def _in_segments(graph: Any) -> keras.Model:
    """Return a model of the same layers that computes the same, segment by segment."""
    reached = {id(tensor): tensor for tensor in graph.inputs}
    histories = [tensor._keras_history for tensor in graph.inputs]
    segments = _cut(keras.Function(graph.inputs, graph.outputs))
    for number, (operations, kept) in enumerate(segments, 1):
        made = {id(tensor) for operation in operations for tensor in _outputs(operation)}
        needed = {id(t): t for op in operations for t in _inputs(op) if id(t) not in made}
        segment: Any = keras.Model(list(needed.values()), kept, name=f"segment_{number}")
        # The last one's activations are needed at once, and a model has segments of its own.
        if number < len(segments) and not isinstance(operations[0], keras.Model):
            segment = Rematerialized(segment)
        found = segment([reached[name] for name in needed])
        reached |= zip(map(id, kept), keras.tree.flatten(found), strict=True)
    # A model of an input and of what was made of it claims the input, so that the whole graph
    # could not be saved (Keras 3.15).
    for tensor, history in zip(graph.inputs, histories, strict=True):
        tensor._keras_history = history
    outputs = [reached[id(tensor)] for tensor in graph.outputs]
    if isinstance(graph, keras.Sequential):  # which has no structures
        return keras.Model(graph.inputs, outputs)
    return keras.Model(graph.input, keras.tree.pack_sequence_as(graph.output, outputs))


def _cut(graph: keras.Function) -> list[tuple[Sequence[Any], list[Any]]]:
    """Return the operations of each segment, and its tensors that are needed after it.

    Segments make about as many numbers each: of the places near such a cut it is the one where the
    fewest have to be kept.
    """
    operations = [op for op in graph.operations if not isinstance(op, keras.layers.InputLayer)]
    places = range(len(operations))
    made = {id(t): (t, place) for place in places for t in _outputs(operations[place])}
    last = {id(t): place for place in places for t in _inputs(operations[place])}
    last |= {id(tensor): len(operations) for tensor in graph.outputs}
    _check_once(graph, last.keys() - made.keys())
    # Before each place: how many numbers there have been, and how many are needed from there on.
    before, live = np.zeros((2, len(operations) + 1))
    for name, (tensor, place) in made.items():
        size = math.prod(axis or 1 for axis in tensor.shape[1:])
        before[place + 1 :] += size
        masked = getattr(tensor, "_keras_mask", None) is not None  # which a cut would lose
        live[place + 1 : last.get(name, place) + 1] += math.inf if masked else size
    inner = [place for place in places if isinstance(operations[place], keras.Model)]
    cuts = {0, len(operations), *inner, *(place + 1 for place in inner)}
    share = before[-1] / max(1, round(math.sqrt(len(operations))))
    for wanted in np.arange(share, before[-1] - share / 2, share):
        near = [place for place in places[1:] if abs(before[place] - wanted) <= share / 2]
        cuts |= set(sorted(near, key=lambda n: (live[n], abs(before[n] - wanted)))[:1])
    return [
        (
            operations[start:end],
            [t for name, (t, n) in made.items() if start <= n < end <= last.get(name, 0)],
        )
        for start, end in itertools.pairwise(sorted(cuts))
    ]


def _check_once(graph: keras.Function, used: set[int]) -> None:
    """Refuse a graph in which a tensor is used that no layer makes when it is first called."""
    if used - {id(tensor) for tensor in graph.inputs}:
        names = [operation.name for operation in graph.operations]
        raise InputError(
            "rematerialize=True is for models that call each layer once. Received: one that calls a"
            f" layer several times, of {', '.join(names[:8])}."
        )


# Of a model, `input` and `output` are those of its own graph; here it is an operation of another.
def _inputs(operation: Any) -> list[Any]:
    return keras.tree.flatten(keras.Operation.input.fget(operation))


def _outputs(operation: Any) -> list[Any]:
    return keras.tree.flatten(keras.Operation.output.fget(operation))


@keras.saving.register_keras_serializable(package="dlkit")
class Rematerialized(keras.layers.Layer):
    """A part of a model whose activations are not kept in training, but computed again.

    What its layers hold (weights, batch statistics, states of random generators) is given to the
    computation and comes back from it, so that the second time is the same as the first.

    Args:
        segment: The part.

    Example:
        >>> inputs = keras.Input((4,))
        >>> segment = keras.Model([inputs], [keras.layers.Dropout(0.5)(inputs)])
        >>> Rematerialized(segment)([ops.ones((2, 4))])[0].shape[0]
        2
    """

    def __init__(self, segment: keras.Model) -> None:
        super().__init__(dtype="float32", autocast=False)
        self.segment = segment
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return what the part makes of a list of tensors, as a list."""
        if not training:
            return keras.tree.flatten(self.segment(inputs))
        trainable = self.segment.trainable_variables
        fixed = self.segment.non_trainable_variables
        states = [ops.copy(variable) for variable in fixed]
        changed: list[Any] = []
        kinds: list[Any] = []

        def compute(*given: Any) -> list[Any]:
            mapping = [*zip(trainable, given[len(inputs) :], strict=True)]
            mapping += zip(fixed, states, strict=True)
            with keras.StatelessScope(mapping, collect_losses=True) as scope:
                held = [scope.get_current_value(variable) for variable in fixed]
                own = [ops.cast(x, like.dtype) for x, like in zip(given, inputs, strict=False)]
                made = self.segment(own, training=True)
            made = keras.tree.flatten(made)
            self._check(made, scope.losses)
            updates = [scope.get_current_value(variable) for variable in fixed]
            new = [n for n, (a, b) in enumerate(zip(held, updates, strict=True)) if a is not b]
            changed[:] = [fixed[n] for n in new]
            kinds[:] = [tensor.dtype for tensor in made]
            return [*_as_numbers(made), *(updates[n] for n in new)]

        made = keras.remat(compute)(*_as_numbers(inputs), *map(ops.copy, trainable))
        outputs = len(made) - len(changed)
        for variable, value in zip(changed, made[outputs:], strict=True):
            variable.assign(value)
        return [ops.cast(x, kind) for x, kind in zip(made[:outputs], kinds, strict=True)]

    def compute_output_spec(self, inputs: Any, training: bool | None = None) -> Any:
        """Return the shapes and types of the list."""
        return keras.tree.flatten(self.segment.compute_output_spec(inputs))

    def _check(self, made: list[Any], losses: list[Any]) -> None:
        """Refuse what would be lost on the way."""
        masked = any(getattr(tensor, "_keras_mask", None) is not None for tensor in made)
        if losses or masked:
            names = ", ".join(layer.name for layer in self.segment.layers[1:])
            lost = "masks" if masked else "losses of layers (normalization='weight' with l1 or l2)"
            raise InputError(f"rematerialize=True cannot pass on {lost}. Received: among {names}.")


def _as_numbers(tensors: Sequence[Any]) -> list[Any]:
    """Return tensors with 0 and 1 for what is true or false, which has no sum of gradients."""
    return [ops.cast(x, "int8") if x.dtype == "bool" else x for x in tensors]
