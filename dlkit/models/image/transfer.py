"""Transfer: a network that has learned from millions of images, and a new head for one's own.

    image -> pixels as it was trained on -> backbone, frozen -> mean of the map -> features
    features -> [dense -> act] x len(units) -> dropout -> predictions

While the backbone is frozen an image's features stay the same, so `fit` computes them once and
trains the head on them; `dlkit.models.fine_tune` then lets some of the backbone learn as well.

Reference: Yosinski et al. 2014, arXiv:1411.1792.
"""

from __future__ import annotations

import functools
import inspect
import pathlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers

from dlkit.argument_validation import check_choice, check_fraction, require
from dlkit.errors import InputError
from dlkit.models import blocks
from dlkit.models.hyperparameters import Choice, Float
from dlkit.models.image.frozen_features import FEATURES, TransferModel
from dlkit.models.registry import builder
from dlkit.tasks import Task
from dlkit.training.compiling import BuilderOptions, compile_model

if TYPE_CHECKING:
    from typing_extensions import Unpack

_APPLICATIONS = {
    name: make
    for name, make in sorted(vars(keras.applications).items())
    if inspect.isfunction(make)
}
_HUB = "keras_hub/"
_COLOURS = 3
# From three channels to what a network was trained on: three numbers in, three out.
Preprocess = Callable[[np.ndarray], np.ndarray]


@builder(
    tasks=("binary", "multiclass", "multilabel", "regression"),
    inputs=("image",),
    reference="Yosinski et al. 2014, arXiv:1411.1792",
    options={"optimizer": "adam", "learning_rate": 3e-3},
    cpu={"jit_compile": False},
    test_config={
        "input_shape": (32, 32, 3),
        "backbone": "VGG16",
        "weights": None,
        "input_scale": (0.0, 1.0),
        "l2": 0.0,
    },
    space={
        "learning_rate": Float(1e-4, 1e-2, sampling="log", default=3e-3),
        "batch_size": Choice((16, 32, 64), default=32),
        "l2": Float(1e-3, 0.3, sampling="log", default=0.1),
        "units": Choice(((), (64,), (256,))),
        "dropout": Float(0.0, 0.6, step=0.1, default=0.2),
    },
)
def transfer(
    input_shape: Sequence[int],
    num_classes: int,
    *,
    task: Task = "multiclass",
    backbone: str | keras.Model = "MobileNetV2",
    weights: str | pathlib.Path | None = "imagenet",
    alpha: float | None = None,
    input_scale: tuple[Sequence[float], Sequence[float]] | None = None,
    units: Sequence[int] = (),
    activation: str = "relu",
    normalization: str = "batch",
    l1: float = 0.0,
    l2: float = 0.1,
    dropout: float = 0.2,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """A pretrained network under a new head: the best start with some hundreds of photos.

    Its backbone is frozen, and runs as it predicts: batch normalization keeps its statistics. `fit`
    computes the features of images that stay the same from epoch to epoch once: of arrays, and of
    dlkit's data without augmentation; `model.features(dataset)` does so for a pipeline of one's
    own. To go on with the backbone, see `dlkit.models.fine_tune`.

    Reference:
        Yosinski et al. 2014, How transferable are features in deep neural networks?,
        arXiv:1411.1792.

    Args:
        input_shape: (height, width, channels) with 1 or 3 channels; grey is repeated.
        num_classes: Classes, labels, or numbers to predict.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
            Defaults to `"multiclass"`.
        backbone: A function of `keras.applications`, as `"ResNet50"`; `"keras_hub/PRESET"` with a
            preset of KerasHub or its folder (`pip install "dlkit[hub]"`); or a `keras.Model` from
            pixels (height, width, 3) in [0, 255] to a map, tokens or features, which brings its own
            weights and is frozen in its place. Defaults to `"MobileNetV2"`.
        weights: `"imagenet"`, which Keras downloads, or a file of weights of that function's
            network, with its head or without; `None` draws them at random.
            Defaults to `"imagenet"`.
        alpha: What a MobileNet's filters are multiplied by, above 0. Defaults to `None`: 1.
        input_scale: `(mean, standard deviation)` that the images were standardised by, each a
            number a channel, in pixels from 0 to 255. `dk.models.build` gives the data's.
            Defaults to `None`: they are pixels in [0, 255].
        units: Width of each layer of the head before the predictions. Defaults to ().
        activation: Of these layers, one of `blocks.ACTIVATIONS`. Defaults to `"relu"`.
        normalization: Of the features, one of `blocks.NORMALIZATIONS`. Defaults to `"batch"`.
        l1: Penalty on the absolute weights of the head. Defaults to 0.0.
        l2: Penalty on the squared weights of the head. Defaults to 0.1.
        dropout: Share of what goes into the predictions set to 0 in training, in [0, 1).
            Defaults to 0.2.
        **compile_options: See `dlkit.training.CompileOptions`.

    Returns:
        A compiled model.

    Raises:
        InputError: for an option or a value that cannot be used, a backbone that does not exist or
            cannot take such images, weights of another network, or weights that cannot be had.
        MissingExtraError: for a preset of KerasHub without KerasHub.

    Example:
        >>> options = {"backbone": "MobileNet", "weights": None}  # which a real use would not give
        >>> model = transfer((96, 96, 3), 5, alpha=0.25, **options)
        >>> [tuple(weight.shape) for weight in model.trainable_weights]  # those of the head
        [(512,), (512,), (512, 5), (5,)]
    """
    units = blocks.check_sizes("units", units)
    body, preprocess = _find_backbone(backbone, tuple(input_shape), weights, alpha)
    body.trainable = False
    inputs = keras.Input(input_shape, name="image")
    x = body(_to_pixels(inputs, input_scale, preprocess), training=False)
    x = _pool(x)  # (B, h, w, C) -> (B, 2 C), or (B, tokens, C) -> (B, C)
    x = blocks.normalize(x, normalization, momentum=0.9)
    penalty: dict[str, Any] = {"l1": l1, "l2": l2}
    for width in units:
        x = blocks.dense(x, width, activation=activation, **penalty)
    outputs = blocks.head(blocks.drop(x, dropout), num_classes, task, **penalty)
    model = TransferModel(inputs, outputs, name="transfer")
    return compile_model(model, task=task, **compile_options)


def _pool(x: Any) -> Any:
    """Return one vector an image: mean and maximum over a map's places, or the mean over tokens."""
    rank = len(getattr(x, "shape", ()))
    if rank == 4:
        pooled = [layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)]
        return layers.Concatenate(name=FEATURES)(pooled)
    pools = {3: layers.GlobalAveragePooling1D, 2: layers.Identity}
    if rank not in pools:
        raise InputError(
            "backbone must give one map, tokens or features an image. Received: a backbone that"
            f" gives {keras.tree.map_structure(lambda part: part.shape, x)!r}."
        )
    return pools[rank](name=FEATURES)(x)


def _to_pixels(inputs: Any, scale: Any, preprocess: Preprocess) -> Any:
    """Undo the standardisation, and do what the backbone's network was trained with.

    Both are linear in each pixel, the order of the colours and the repeated grey too: one frozen
    convolution of one pixel.
    """
    channels = inputs.shape[-1]
    if channels not in (1, _COLOURS):
        raise InputError(
            "transfer takes images of 1 or 3 channels, as its backbone was trained on. Received:"
            f" input_shape={tuple(inputs.shape[1:])!r}."
        )
    mean, deviation = _check_scale(scale, channels)
    ends = np.concatenate([np.zeros((1, _COLOURS)), 255.0 * np.eye(_COLOURS)])
    found = np.asarray(preprocess(ends.reshape(4, 1, 1, _COLOURS).astype("float32"))).reshape(4, -1)
    matrix, offset = (found[1:] - found[0]) / 255.0, found[0]  # a row for each colour that goes in
    offset = mean @ matrix + offset
    kernel = deviation[:, None] * matrix
    if channels == 1:
        kernel = kernel.sum(axis=0, keepdims=True)
    layer = layers.Conv2D(_COLOURS, 1, trainable=False, dtype="float32", name="pixels")
    outputs = layer(inputs)
    layer.set_weights([kernel[None, None].astype("float32"), offset.astype("float32")])
    return outputs


def _check_scale(scale: Any, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and deviation of three colours."""
    try:
        mean, deviation = (
            np.broadcast_to(np.asarray(part, "float64"), channels)
            for part in ((0.0, 1.0) if scale is None else scale)
        )
        usable = bool(np.isfinite([mean, deviation]).all() and (deviation > 0).all())
    except (TypeError, ValueError):
        usable = False
    if not usable:
        raise InputError(
            f"input_scale must be (mean, standard deviation) of {channels} channel(s), the second"
            f" above 0. Received: input_scale={scale!r}."
        )
    return np.broadcast_to(mean, _COLOURS), np.broadcast_to(deviation, _COLOURS)


def _find_backbone(
    backbone: Any, shape: tuple[int, ...], weights: Any, alpha: float | None
) -> tuple[keras.Model, Preprocess]:
    """Return the network without its head, and what its pixels go through before it."""
    shape = (*shape[:2], _COLOURS)
    if isinstance(backbone, keras.Model):
        return _check_own(backbone, shape), lambda pixels: pixels
    if isinstance(backbone, str) and backbone.startswith(_HUB):
        return _from_hub(backbone.removeprefix(_HUB), weights)
    folded = {name.lower(): name for name in _APPLICATIONS}
    asked = backbone.lower().replace("_", "") if isinstance(backbone, str) else backbone
    name = folded.get(asked) or check_choice("backbone", backbone, _APPLICATIONS)
    make = functools.partial(_APPLICATIONS[name], input_shape=shape)
    if alpha is not None:
        if "alpha" not in inspect.signature(make).parameters:
            raise InputError(f"{name} has no alpha; MobileNets have. Received: alpha={alpha!r}.")
        make.keywords["alpha"] = check_fraction("alpha", alpha, low=2**-6, high=float("inf"))
    return _load(name, make, weights), _preprocess(name)


def _check_own(backbone: keras.Model, shape: tuple[int, ...]) -> keras.Model:
    takes = getattr(backbone, "input_shape", None)
    sides = takes[1:] if isinstance(takes, tuple) and len(takes) == len(shape) + 1 else (0, 0, 0)
    if any(mine not in (None, given) for mine, given in zip(sides, shape, strict=True)):
        raise InputError(
            f"backbone '{backbone.name}' takes inputs of shape {takes}, and the images are"
            f" {shape}: build it for them."
        )
    return backbone


def _from_hub(preset: str, weights: Any) -> tuple[keras.Model, Preprocess]:
    """Return a backbone of KerasHub and what its converter does to pixels."""
    hub = require("keras_hub", "hub")
    try:
        loaded = hub.models.Backbone.from_preset(preset, load_weights=weights is not None)
        converter = hub.layers.ImageConverter.from_preset(preset)
    except (ValueError, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"KerasHub cannot load backbone={_HUB + preset!r}: {reason}") from None
    scale = 1.0 if converter.scale is None else np.asarray(converter.scale)
    offset = 0.0 if converter.offset is None else np.asarray(converter.offset)
    return loaded, lambda pixels: pixels * scale + offset


def _preprocess(name: str) -> Preprocess:
    """Return the function that Keras has for the pixels of that network."""
    for module in vars(keras.applications).values():
        if inspect.ismodule(module) and hasattr(module, name):
            return module.preprocess_input
    return lambda pixels: pixels  # MobileNetV3, which has it inside


def _load(name: str, make: Callable[..., keras.Model], weights: Any) -> keras.Model:
    """Return the network without its head, under the weights that are asked for."""
    if weights is not None and not isinstance(weights, str | pathlib.Path):
        raise InputError(
            f"weights must be 'imagenet', a file of weights or None. Received: weights={weights!r}."
        )
    if weights not in (None, "imagenet") and not pathlib.Path(weights).is_file():
        raise InputError(f"There is no file of weights. Received: weights={str(weights)!r}.")
    try:
        body = make(include_top=False, weights=None)
        if weights is None:
            return body
        if weights == "imagenet":
            return make(include_top=False, weights=weights)
    except ValueError as error:  # too small an image, or an alpha without weights
        reason = str(error).splitlines()[0]
        raise InputError(f"{name} cannot be built: {reason}") from None
    except Exception as error:  # whatever a download ends with
        raise InputError(
            f"The weights of {name} cannot be downloaded ({str(error).splitlines()[0]}). Give a"
            f" file of them, or weights=None. Received: weights={weights!r}."
        ) from None
    reasons = []
    for top in (False, True):
        settings = {"input_shape": None} if top else {}  # a head may need the size that it had
        try:
            theirs = make(include_top=top, weights=str(weights), **settings)
        except ValueError as error:
            reasons.append(str(error).splitlines()[0])
            continue
        # A head comes last, whatever Keras has numbered the layers before it.
        own, found = ([each for each in model.layers if each.weights] for model in (body, theirs))
        for layer, source in zip(own, found, strict=False):
            layer.set_weights(source.get_weights())
        return body
    raise InputError(
        f"The file of weights is for another network than {name}, or another alpha of it:"
        f" {reasons[0]} Received: weights={str(weights)!r}."
    )
