"""A detector in one step: each place of a map tells whether an object is there, and its box.

    image -> [convolution/2 -> residual block] per stage -> the last map, and
    [twice as large + the map of that size] down to the strides wanted -> convolution -> maps:
        4 ways to the edges of a box, and a heat a class
    training: maps -> loss (dlkit/training/detection.py)
    predictions: maps -> the places hotter than their neighbours -> boxes, classes, scores

References: Zhou et al. 2019, arXiv:1904.07850 (objects as points, CenterNet); Tian et al. 2019,
arXiv:1904.01355 (the ways to the edges, FCOS); Lin et al. 2017, arXiv:1612.03144 (the way back to
larger maps, FPN).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import layers, ops

from dlkit.argument_validation import check_fraction, check_integer
from dlkit.errors import InputError
from dlkit.models import blocks
from dlkit.models.hyperparameters import Choice, Float
from dlkit.models.image.sizes import check_multiple
from dlkit.models.registry import builder
from dlkit.training.compiling import BuilderOptions, compile_model
from dlkit.training.detection import read_boxes, to_rows

if TYPE_CHECKING:
    from typing_extensions import Unpack

# What an untrained network says: of a hundred places one is in the middle of an object of a class
# (Lin et al. 2017, arXiv:1708.02002), whose edges are 4 places away.
_RARE, _WAY = 0.01, 4.0
_MOMENTUM = 0.9  # small sets have few steps in which to learn means and variances


@builder(
    tasks=("detection",),
    inputs=("image",),
    reference="Zhou, Wang & Krähenbühl 2019, arXiv:1904.07850",
    options={"optimizer": "adamw", "weight_decay": 0.05},
    cpu={"jit_compile": False},
    test_config={
        "input_shape": (16, 24, 1),
        "filters": (4, 8),
        "max_detections": 5,
        "score_threshold": 0.0,
    },
    space={
        "learning_rate": Float(1e-4, 1e-2, sampling="log", default=1e-3),
        "batch_size": Choice((8, 16, 32), default=16),
        "weight_decay": Float(1e-3, 1e-1, sampling="log", default=0.05),
        "filters": Choice(((16, 32, 64, 128), (8, 16, 32, 64), (32, 64, 128, 256))),
        "strides": Choice((4, 8), default=4),
    },
)
def detector(
    input_shape: Sequence[int],
    num_classes: int,
    *,
    task: str = "detection",
    filters: Sequence[int] = (16, 32, 64, 128),
    strides: int = 4,
    activation: str = "relu",
    normalization: str = "batch",
    kernel_initializer: str = "he",
    l1: float = 0.0,
    l2: float = 0.0,
    max_detections: int = 100,
    score_threshold: float = 0.05,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """Detector without anchors, in one step: boxes around objects, their classes and scores.

    For data of the task "detection" (`dk.data.from_voc`), from scratch. It is trained on targets
    `{"boxes": (B, M, 4), "classes": (B, M)}`, and predicts `"boxes"` (B, D, 4), the left, upper,
    right and lower edge as parts of the image's width and height, `"classes"` (B, D) and `"scores"`
    (B, D), the surest first; where there is nothing more, the class is -1, as in the targets. Two
    objects of a class whose middles are in one place of the map are one to it: give larger images,
    or smaller `strides`.

    Reference:
        Zhou, Wang & Krähenbühl 2019, Objects as Points, arXiv:1904.07850: the heat and its loss.
        Tian, Shen, Chen & He 2019, FCOS, arXiv:1904.01355: a box by the ways to its edges.

    Args:
        input_shape: (height, width, channels); both sides multiples of `2 ** len(filters)` pixels.
        num_classes: Classes of objects; a target of another class makes the loss NaN.
        task: `"detection"`. Defaults to `"detection"`.
        filters: Output channels of each stage, which halves the image. Defaults to
            `(16, 32, 64, 128)`.
        strides: Pixels from one place of the map to the next: 2, 4, 8 and so on, up to what the
            stages leave. Defaults to 4.
        activation: One of `blocks.ACTIVATIONS`. Defaults to `"relu"`.
        normalization: One of `blocks.NORMALIZATIONS`. Defaults to `"batch"`.
        kernel_initializer: One of `blocks.INITIALIZERS`. Defaults to `"he"`.
        l1: Penalty on the absolute weights of every layer. Defaults to 0.0.
        l2: Penalty on the squared weights of every layer. Defaults to 0.0.
        max_detections: D, how many boxes are found in an image at most; no more than the map has
            places. Defaults to 100.
        score_threshold: Score above which a box is one, in [0, 1). Defaults to 0.05.
        **compile_options: See `dlkit.training.CompileOptions`.

    Returns:
        A compiled model, whose loss and metric compare boxes with boxes.

    Raises:
        InputError: for images that the stages cannot halve, or an option or a value that cannot be
            used.

    Example:
        >>> model = detector((96, 128, 3), 3)
        >>> {name: tensor.shape for name, tensor in model.output.items()}
        {'boxes': (None, 100, 4), 'classes': (None, 100), 'scores': (None, 100)}
    """
    stages = blocks.check_sizes("filters", filters)
    check_multiple(input_shape, 2 ** len(stages), filters=stages)
    level = _level(strides, len(stages))
    kernel: dict[str, Any] = {"kernel_initializer": kernel_initializer, "l1": l1, "l2": l2}
    style = {"activation": activation, "normalization": normalization, **kernel}

    inputs = x = keras.Input(input_shape, name="image")
    maps = []
    for stage, width in enumerate(stages):  # (B, h, w, C) -> (B, h/2, w/2, width)
        x = convolve(x, width, strides=2, **style)
        x = residual_block(x, **style) if stage else x  # the first sees edges, and costs most
        maps.append(x)
    for larger in reversed(maps[level:-1]):  # (B, h, w, C) -> (B, 2h, 2w, C/2)
        x = convolve(x, larger.shape[-1], kernel_size=1, **style)
        x = layers.Add()([layers.UpSampling2D(2)(x), larger])
        x = convolve(x, larger.shape[-1], **style)
    x = convolve(x, stages[-1], **style)
    x = layers.Conv2D(
        4 + num_classes,
        1,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        bias_initializer=keras.initializers.Constant(
            [math.log(_WAY)] * 4 + [math.log(_RARE / (1 - _RARE))] * num_classes
        ),
        kernel_regularizer=blocks.regularizer(l1, l2),
        dtype="float32",
        name="predictions",
    )(x)  # (B, h, w, C) -> (B, h, w, 4 + K)
    found = Peaks(max_detections, score_threshold, dtype="float32", name="detections")(x)
    return compile_model(Detector(inputs, found, name="detector"), task=task, **compile_options)


def _level(strides: int, stages: int) -> int:
    """Return which stage's map has a place every so many pixels."""
    known = [2**stage for stage in range(1, stages + 1)]
    if strides not in known:
        raise InputError(
            f"strides must be one of {', '.join(map(str, known))} for {stages} stages."
            f" Received: strides={strides!r}."
        )
    return known.index(strides)


def convolve(x: Any, filters: int, *, activation: str, normalization: str, **options: Any) -> Any:
    """Convolve, normalize and activate.

    Args:
        x: A tensor (batch, height, width, channels).
        filters: Output channels.
        activation: One of `blocks.ACTIVATIONS`.
        normalization: One of `blocks.NORMALIZATIONS`.
        **options: What `blocks.convolution` takes besides.

    Returns:
        A tensor (batch, height / strides, width / strides, filters).
    """
    x = blocks.convolution(x, filters, normalization=normalization, **options)
    return blocks.activate(blocks.normalize(x, normalization, momentum=_MOMENTUM), activation)


def residual_block(x: Any, *, activation: str, normalization: str, **kernel: Any) -> Any:
    """Add two convolutions to a tensor (batch, height, width, channels), and activate the sum."""
    style = {"normalization": normalization, **kernel}
    branch = convolve(x, x.shape[-1], activation=activation, **style)
    branch = convolve(branch, x.shape[-1], activation="linear", **style)
    return blocks.activate(layers.Add()([x, branch]), activation)


@keras.saving.register_keras_serializable(package="dlkit")
class Peaks(layers.Layer):
    """Find the boxes that maps tell of: the places that are hotter than the 8 around them.

    That is the non-maximum suppression of objects as points, without a loop over boxes. The hottest
    places come first. A place counts for its hottest class.

    Reference:
        Zhou, Wang & Krähenbühl 2019, Objects as Points, arXiv:1904.07850, section 4.

    Args:
        max_detections: Boxes of an image at most, D.
        score_threshold: Heat above which a place is an object, in [0, 1).
        **kwargs: What every Keras layer takes, as `name`.

    Raises:
        InputError: for a number that is out of range.

    Example:
        >>> Peaks(3, 0.4)(ops.zeros((1, 2, 2, 5)))["classes"].numpy().tolist()
        [[0, 0, 0]]
    """

    def __init__(self, max_detections: int, score_threshold: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_detections = check_integer("max_detections", max_detections)
        self.score_threshold = check_fraction("score_threshold", score_threshold)

    def call(self, maps: Any) -> dict[str, Any]:
        """Return the boxes of maps (B, h, w, 4 + K)."""
        heat = ops.sigmoid(maps[..., 4:])
        hottest = heat == ops.max_pool(heat, 3, strides=1, padding="same")
        heat = ops.where(hottest, heat, 0.0)
        # The hottest class of each place; argmax would need bits that ONNX and LiteRT cannot read.
        heat, classes = ops.top_k(heat, 1)  # (B, h, w, K) -> (B, h, w, 1)
        places = heat.shape[1] * heat.shape[2]
        scores, place = ops.top_k(
            ops.reshape(heat, (-1, places)), min(self.max_detections, places)
        )  # (B, h, w, 1) -> (B, D)
        classes = ops.take_along_axis(ops.reshape(classes, (-1, places)), place, axis=1)
        boxes = ops.reshape(ops.clip(read_boxes(maps), 0.0, 1.0), (-1, places, 4))
        boxes = ops.take_along_axis(boxes, place[..., None], axis=1)
        sure = scores > self.score_threshold
        return {
            "boxes": ops.where(sure[..., None], boxes, 0.0),
            "classes": ops.where(sure, ops.cast(classes, "int32"), -1),
            "scores": ops.where(sure, scores, 0.0),
        }

    def get_config(self) -> dict[str, Any]:
        """Return what the layer is made again from."""
        config = {"max_detections": self.max_detections, "score_threshold": self.score_threshold}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable(package="dlkit")
class Detector(keras.Model):
    """A network that learns from its maps, and predicts the boxes that they tell of.

    Its graph leads from images to boxes. In training it stops at the maps, from which the loss is
    computed; metrics are given boxes always. `evaluate` computes the maps twice, once for each.

    Args:
        inputs: The images.
        outputs: What `Peaks` finds in the maps of the layer `"predictions"`.
        name: The model's name. Defaults to `None`.
        **kwargs: What `keras.Model` takes.
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(inputs, outputs, name=name, **kwargs)
        self.to_maps = keras.Model(self.input, self.get_layer("predictions").output, name="to_maps")
        self.num_classes = self.to_maps.outputs[0].shape[-1] - 4

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return boxes, or in training the maps (B, h, w, 4 + K)."""
        if training:
            return self.to_maps(inputs, training=training)
        return super().call(inputs, training=training, mask=mask)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Compare the maps with the objects that there are."""
        maps = self.to_maps(x, training=False) if isinstance(y_pred, dict) else y_pred
        return super().compute_loss(x, to_rows(y, self.num_classes), maps, sample_weight, training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Compare the boxes that are found with those that there are."""
        found = y_pred if isinstance(y_pred, dict) else self.get_layer("detections")(y_pred)
        rows = (to_rows(boxes, self.num_classes) for boxes in (y, found))
        return super().compute_metrics(x, *rows, sample_weight)
