"""Which signatures an export offers, by name.

serving_default          raw input              -> the model's outputs
image_bytes, audio_bytes bytes of files         -> the model's outputs     data.decoding
cells                    texts, as in a CSV file -> the model's outputs    data.decoding
labels                   raw input              -> classes, scores         data.class_names
image_bytes_labels, ...  the same               -> classes, scores         both
generate                 texts and options      -> texts                   data.postprocessing
classify                 serialized tf.Examples -> classes, scores         data.task
regress                  serialized tf.Examples -> outputs                 data.task
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from dlkit.argument_validation import check_choice
from dlkit.errors import InputError
from dlkit.export.signatures.examples import classify_signature, regress_signature
from dlkit.export.signatures.files import content_signature
from dlkit.export.signatures.generation import GENERATE, generate_signature
from dlkit.export.signatures.labels import Unfit, labels_signature, read_classes
from dlkit.export.signatures.signature import DEFAULT_SIGNATURE, Arrays, Signature


def offered_signatures(
    served: Signature,
    data: Any,
    answer: Arrays,
    wanted: Sequence[str] | None = None,
    model: Any = None,
) -> dict[str, Signature]:
    """Return the signatures of an export by name, `serving_default` first.

    Args:
        served: The signature from raw input to predictions.
        data: What has `decoding`, `class_names` and `task`, as far as it has them.
        answer: What the model predicts for some batch, by output name.
        wanted: Which of them to make. Defaults to `None`: all that the model and `data` can have.
        model: What may have a `writer`. Defaults to `None`.

    Raises:
        InputError: when one of `wanted` cannot be made, saying why.
    """
    makers = _makers(_traced_once(served), data, answer)
    makers[GENERATE] = functools.partial(generate_signature, served, model, data)
    names = list(makers) if wanted is None else _check(wanted, makers)
    found = {DEFAULT_SIGNATURE: makers.pop(DEFAULT_SIGNATURE)()}
    for name in names:
        if name == DEFAULT_SIGNATURE:
            continue
        try:
            found[name] = makers[name]()
        except Unfit as reason:
            if wanted is not None:
                raise InputError(
                    f"signatures names '{name}', which this model cannot have: {reason}."
                ) from None
    return found


def _check(wanted: Any, known: dict[str, Any]) -> list[str]:
    if isinstance(wanted, str):
        raise InputError(f"signatures must be a list of names. Received: signatures={wanted!r}.")
    return [check_choice("signatures", name, known) for name in wanted]


def _traced_once(served: Signature) -> Signature:
    """Let signatures call one function, so that the file holds the network or decoder once."""
    function = tf.function(served.compute, autograph=False, input_signature=[dict(served.inputs)])
    return dataclasses.replace(served, compute=function)


def _makers(served: Signature, data: Any, answer: Arrays) -> dict[str, Callable[[], Signature]]:
    makers: dict[str, Callable[[], Signature]] = {DEFAULT_SIGNATURE: lambda: served}
    sources = [("labels", served)]
    if getattr(data, "decoding", None) is not None:
        name, files = content_signature(served, data)
        files = _traced_once(files)
        makers[name] = lambda: files
        sources.append((f"{name}_labels", files))

    def labels(given: Signature) -> Signature:
        classes = read_classes(data, answer, named=True)
        return labels_signature(given, classes)

    def of_examples(make: Callable[[Signature], Signature]) -> Signature:
        """Take raw inputs as features, or else the bytes of files."""
        try:
            return make(served)
        except Unfit:
            if len(sources) == 1:
                raise
            return make(sources[1][1])

    def classify() -> Signature:
        classes = read_classes(data, answer, named=False)
        return of_examples(lambda given: classify_signature(given, classes))

    def regress() -> Signature:
        task = getattr(data, "task", None)
        if task != "regression":
            raise Unfit(f"it needs data of a regression task, and the task is {task!r}")
        return of_examples(lambda given: regress_signature(given, answer))

    for name, given in sources:
        makers[name] = functools.partial(labels, given)
    return makers | {"classify": classify, "regress": regress}
