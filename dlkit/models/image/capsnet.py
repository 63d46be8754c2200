"""Capsule networks: a class is a vector, which tells how a thing looks, and whether it is there.

    encoder: conv 9x9 -> conv 9x9/2, cut into vectors of 8 -> squash
             -> a vote for each class -> routing by agreement, 3 times -> a capsule of 16 a class
    predictions: the capsules' lengths
    decoder: the capsule of the true class, the others 0 -> dense 512 -> dense 1024 -> the image

    loss = margin loss of the lengths + 0.0005 * sum of squared errors of the image

Reference: Sabour, Frosst & Hinton 2017, arXiv:1710.09829.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import layers, ops

from dlkit.argument_validation import check_fraction, check_integer
from dlkit.errors import InputError
from dlkit.layers import CapsuleLengths, Capsules, Squash
from dlkit.models import blocks
from dlkit.models.hyperparameters import Choice, Float, Int
from dlkit.models.image.sizes import check_image
from dlkit.models.registry import builder
from dlkit.tasks import Task
from dlkit.training.compiling import BuilderOptions, compile_model
from dlkit.training.losses import class_rows

if TYPE_CHECKING:
    from typing_extensions import Unpack


@builder(
    tasks=("multiclass",),
    inputs=("image",),
    reference="Sabour, Frosst & Hinton 2017, arXiv:1710.09829",
    cpu={"jit_compile": False},
    test_config={
        "input_shape": (8, 8, 1),
        "filters": 8,
        "kernel_size": 3,
        "primary_capsules": 4,
        "primary_dim": 4,
        "capsule_dim": 4,
        "units": (16,),
    },
    space={
        "learning_rate": Float(1e-4, 1e-2, sampling="log", default=1e-3),
        "batch_size": Choice((32, 64, 128), default=64),
        "filters": Choice((256, 64, 128)),
        "primary_capsules": Choice((32, 8, 16)),
        "capsule_dim": Choice((16, 8)),
        "routing_iterations": Int(1, 3, default=3),
        "reconstruction_weight": Choice((0.0005, 0.0, 0.005)),
    },
)
def capsnet(
    input_shape: Sequence[int],
    num_classes: int,
    *,
    task: Task = "multiclass",
    filters: int = 256,
    kernel_size: int = 9,
    primary_capsules: int = 32,
    primary_dim: int = 8,
    capsule_dim: int = 16,
    routing_iterations: int = 3,
    units: Sequence[int] = (512, 1024),
    reconstruction_weight: float = 0.0005,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """Capsule network: classes as vectors, found by the agreement of their parts.

    For small images of one thing each, as digits: 28 x 28 x 1 pixels and 10 classes make 8,215,568
    weights. Larger images cost much: each 2 x 2 pixels more are `primary_capsules` capsules more,
    each with a matrix for every class.

    A prediction is the length of each class's capsule, in [0, 1): how sure it is that the class is
    there. The lengths do not sum to 1. They are trained with the margin loss, or with the `loss`
    that is given; to either the error of the reconstruction is added, by `compute_loss` of the
    model, also in `evaluate`. What is reconstructed is the image as the network gets it, stretched
    so that its darkest value is 0 and its brightest 1, whatever it was standardised to before: for
    the paper's digits these are its pixels. `model.reconstruct(images)` shows what the longest
    capsules say, and `model.decoder.summary()` the layers that make it.

    Reference:
        Sabour, Frosst & Hinton 2017, Dynamic Routing Between Capsules, arXiv:1710.09829.

    Args:
        input_shape: (height, width, channels), sides of at least `2 * kernel_size - 1` pixels.
        num_classes: Classes.
        task: `"multiclass"`. Defaults to `"multiclass"`.
        filters: Output channels of the first convolution. Defaults to 256.
        kernel_size: Height and width of the filters of both convolutions. Defaults to 9.
        primary_capsules: Capsules at each place of the second convolution's map. Defaults to 32.
        primary_dim: Length of their vectors. Defaults to 8.
        capsule_dim: Length of the vector of a class. Defaults to 16.
        routing_iterations: How often the shares of the votes are found anew; 1 is no routing.
            Defaults to 3.
        units: Width of each dense layer of the decoder before the image. Defaults to `(512, 1024)`.
        reconstruction_weight: Weight of the squared errors of the reconstruction, summed over the
            pixels; 0 leaves the decoder out. Defaults to 0.0005.
        **compile_options: See `dlkit.training.CompileOptions`; `loss` defaults to `"margin"` here.

    Returns:
        A compiled model, a `CapsuleNetwork`.

    Raises:
        InputError: for an image too small for the convolutions, or an option or a value that cannot
            be used.

    Example:
        >>> capsnet((28, 28, 1), 10).count_params()
        8215568
    """
    sizes = {"filters": filters, "primary_capsules": primary_capsules, "primary_dim": primary_dim}
    for name, size in {**sizes, "kernel_size": kernel_size}.items():
        check_integer(name, size)
    check_image(input_shape, 2 * kernel_size - 1, kernel_size=kernel_size)
    weight = check_fraction("reconstruction_weight", reconstruction_weight, high=float("inf"))

    image = keras.Input(input_shape, name="image")
    x = blocks.convolution(image, filters, kernel_size=kernel_size, padding="valid")
    x = blocks.activate(x, "relu")
    x = blocks.convolution(
        x, primary_capsules * primary_dim, kernel_size=kernel_size, strides=2, padding="valid"
    )
    x = Squash()(layers.Reshape((-1, primary_dim))(x))  # (B, h, w, C) -> (B, capsules, dim)
    x = Capsules(num_classes, capsule_dim, routing_iterations)(x)  # -> (B, classes, dim)
    encoder = keras.Model(image, x, name="encoder")
    decoder = _decoder(x.shape[1:], input_shape, units) if weight else None
    model = CapsuleNetwork(encoder, decoder, weight, name="capsnet")
    compile_options["loss"] = compile_options.get("loss") or "margin"
    return compile_model(model, task=task, **compile_options)


def _decoder(capsules: Sequence[int], image: Sequence[int], units: Sequence[int]) -> keras.Model:
    """Return the network from capsules, all but one of them 0, to the image."""
    inputs = keras.Input(capsules, name="capsules")
    x = layers.Flatten()(inputs)  # (B, classes, dim) -> (B, classes * dim)
    for width in blocks.check_sizes("units", units):
        x = blocks.dense(x, width)
    x = blocks.dense(x, math.prod(image), activation="sigmoid")
    return keras.Model(inputs, layers.Reshape(image)(x), name="decoder")


@keras.saving.register_keras_serializable(package="dlkit")
class CapsuleNetwork(keras.Model):
    """A network of capsules that is trained to reconstruct its images, too.

    It is the functional model from images to the lengths of the capsules; `compute_loss` adds what
    the decoder makes of the true classes' capsules to the loss that it is compiled with.

    Args:
        encoder: A model from images (batch, height, width, channels) to capsules
            (batch, classes, units).
        decoder: A model from such capsules, of which all but one are 0, to images in [0, 1].
            `None`: no reconstruction.
        reconstruction_weight: Weight of the squared errors, summed over the pixels.
        **kwargs: `name` and `trainable`.

    Example:
        >>> model = capsnet((28, 28, 1), 10, filters=8, primary_capsules=2, seed=0)
        >>> tuple(model.reconstruct(ops.zeros((2, 28, 28, 1))).shape)
        (2, 28, 28, 1)
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model | None,
        reconstruction_weight: float = 0.0005,
        **kwargs: Any,
    ) -> None:
        lengths = CapsuleLengths(dtype="float32", name="predictions")
        super().__init__(encoder.inputs[0], lengths(encoder.outputs[0]), **kwargs)
        self.encoder = encoder
        self.decoder: Any = decoder
        self.reconstruction_weight = reconstruction_weight
        self._latest: Any = (None, None)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return the lengths of the capsules (batch, classes)."""
        capsules = self.encoder(inputs, training=training)
        lengths = self.get_layer("predictions")(capsules)
        # Keras gives `compute_loss` the lengths alone, which needs the capsules that they are of.
        self._latest = lengths, capsules
        return lengths

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the compiled loss of the lengths, and the weighted error of the reconstruction."""
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        if self.decoder is None:
            return loss
        (lengths, capsules), self._latest = self._latest, (None, None)
        if lengths is not y_pred:  # of another batch
            capsules = self.encoder(x, training=training)
        made = self._decode(capsules, class_rows(y, y_pred), training)
        (image,) = keras.tree.flatten(x)
        flat = (-1, math.prod(made.shape[1:]))  # (B, h, w, C) -> (B, pixels)
        mean = keras.losses.MeanSquaredError()(
            ops.reshape(stretch(image), flat), ops.reshape(made, flat), sample_weight
        )
        return loss + self.reconstruction_weight * flat[1] * mean

    def reconstruct(self, images: Any, classes: Any = None) -> Any:
        """Return the images that capsules describe.

        Args:
            images: A batch (batch, height, width, channels), as the network takes them.
            classes: Whose capsules, (batch,) indices. Defaults to `None`: the longest ones.

        Returns:
            Images of the same shape in [0, 1].

        Raises:
            InputError: for a model that was built with `reconstruction_weight=0`.
        """
        if self.decoder is None:
            raise InputError(
                f"Model '{self.name}' has no decoder: build it with a reconstruction_weight above"
                f" 0. Received: reconstruction_weight={self.reconstruction_weight!r}."
            )
        capsules = self.encoder(images, training=False)
        lengths = self.get_layer("predictions")(capsules)
        classes = (
            ops.argmax(lengths, axis=-1) if classes is None else ops.convert_to_tensor(classes)
        )
        return self._decode(capsules, class_rows(classes, lengths), training=False)

    def _decode(self, capsules: Any, rows: Any, training: bool) -> Any:
        """Return images, in float32, of the capsules of the classes that rows (B, K) name."""
        kept = capsules * ops.cast(rows, capsules.dtype)[..., None]
        return ops.cast(self.decoder(kept, training=training), "float32")

    def get_config(self) -> dict[str, Any]:
        """Return what the model is made again from."""
        parts = {name: getattr(self, name) for name in ("encoder", "decoder")}
        saved = {name: keras.saving.serialize_keras_object(part) for name, part in parts.items()}
        weight = {"reconstruction_weight": self.reconstruction_weight}
        return {"name": self.name, "trainable": self.trainable, **saved, **weight}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> CapsuleNetwork:
        """Make the model of what `get_config` returned."""
        parts = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects)
            for name in ("encoder", "decoder")
        }
        return cls(**{**config, **parts})


def stretch(images: Any) -> Any:
    """Return each image with its darkest value at 0 and its brightest at 1; one of one value is 0.

    Args:
        images: A batch (batch, height, width, channels).

    Returns:
        A float32 tensor of the same shape.

    Example:
        >>> stretch(ops.array([[[[-1.0], [0.0], [3.0]]]])).numpy().ravel().tolist()
        [0.0, 0.25, 1.0]
    """
    images = ops.cast(images, "float32")
    low, high = (f(images, axis=(1, 2, 3), keepdims=True) for f in (ops.min, ops.max))
    return (images - low) / ops.maximum(high - low, keras.config.epsilon())
