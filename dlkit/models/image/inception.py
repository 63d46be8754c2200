"""GoogLeNet: each module looks with filters of several sizes, and keeps all that they find.

    module: x -> 1x1 | 1x1 -> 3x3 | 1x1 -> 5x5 | max pool -> 1x1 -> joined channels
    conv 7x7/2 -> pool -> conv 1x1 -> conv 3x3 -> pool -> 2 modules -> pool -> 5 -> pool -> 2
    -> mean -> dropout -> predictions
    auxiliary: after the third and the sixth module a head of its own, in training

References: Szegedy et al. 2014, arXiv:1409.4842; batch normalization as in arXiv:1502.03167.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from dlkit.argument_validation import check_fraction
from dlkit.errors import InputError
from dlkit.models import blocks
from dlkit.models.hyperparameters import Choice, Float
from dlkit.models.image.sizes import halving_strides
from dlkit.models.registry import builder
from dlkit.tasks import Task
from dlkit.training.compiling import BuilderOptions, compile_model
from dlkit.training.names import as_loss

if TYPE_CHECKING:
    from typing_extensions import Unpack

# The paper's table 1: filters of 1x1, before and of 3x3, before and of 5x5, after the pooling.
MODULES = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)
_HALVINGS = 5
_AUXILIARY_AFTER = (3, 6)  # modules
_AUXILIARY_WEIGHT = 0.3


@builder(
    tasks=("binary", "multiclass", "multilabel", "regression"),
    inputs=("image",),
    reference="Szegedy et al. 2014, arXiv:1409.4842",
    options={"optimizer": "adamw", "weight_decay": 0.05, "label_smoothing": 0.1},
    cpu={"jit_compile": False},
    # Without batch normalization, which doubles the time, and with units that cannot die.
    test_config={
        "input_shape": (8, 8, 1),
        "alpha": 0.0625,
        "normalization": "none",
        "activation": "leaky_relu",
    },
    space={
        "learning_rate": Float(1e-4, 1e-2, sampling="log", default=1e-3),
        "batch_size": Choice((32, 64, 128), default=64),
        "weight_decay": Float(1e-3, 1e-1, sampling="log", default=0.05),
        "alpha": Choice((1.0, 0.25, 0.5)),
        "dropout": Float(0.0, 0.6, step=0.1, default=0.4),
    },
)
def inception(
    input_shape: Sequence[int],
    num_classes: int,
    *,
    task: Task = "multiclass",
    alpha: float = 1.0,
    halvings: int | None = None,
    auxiliary: bool = False,
    activation: str = "relu",
    normalization: str = "batch",
    kernel_initializer: str = "he",
    l1: float = 0.0,
    l2: float = 0.0,
    dropout: float = 0.4,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """GoogLeNet (Inception v1): modules of 1 x 1, 3 x 3 and 5 x 5 filters side by side.

    At 224 pixels and with 1,000 classes it has 7.0 million weights. Batch normalization, which came
    a year later, stands in the place of the paper's local response normalization;
    `normalization="none"` leaves both out.

    Reference:
        Szegedy et al. 2014, Going Deeper with Convolutions, arXiv:1409.4842.

    Args:
        input_shape: (height, width, channels).
        num_classes: Classes, labels, or numbers to predict.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
            Defaults to `"multiclass"`.
        alpha: What each layer's filters are multiplied by, above 0. Defaults to 1.0.
        halvings: How often the map is halved, 0 to 5; where it is less than 5, the first layers
            keep it. Defaults to `None`: 5, or for sides below 96 pixels as often as leaves 3.
        auxiliary: Whether two more heads, from the middle of the network, are trained along, each
            with 0.3 of the loss; predictions do not use them. Not for a regression.
            Defaults to `False`.
        activation: One of `blocks.ACTIVATIONS`. Defaults to `"relu"`.
        normalization: One of `blocks.NORMALIZATIONS`. Defaults to `"batch"`.
        kernel_initializer: One of `blocks.INITIALIZERS`. Defaults to `"he"`.
        l1: Penalty on the absolute weights of the convolutions. Defaults to 0.0.
        l2: Penalty on the squared weights of the convolutions. Defaults to 0.0.
        dropout: Share of what goes into the predictions set to 0 in training, in [0, 1).
            Defaults to 0.4.
        **compile_options: See `dlkit.training.CompileOptions`.

    Returns:
        A compiled model.

    Raises:
        InputError: for an option or a value that cannot be used.

    Example:
        >>> inception((32, 32, 3), 10, alpha=0.25).output_shape
        (None, 10)
    """
    alpha = check_fraction("alpha", alpha, low=2**-6, high=float("inf"))
    if auxiliary and task == "regression":
        raise InputError(
            f"auxiliary heads are for classes. Received: auxiliary={auxiliary}, task={task!r}."
        )
    steps = halving_strides(input_shape, halvings, _HALVINGS)
    kernel: dict[str, Any] = {"kernel_initializer": kernel_initializer, "l1": l1, "l2": l2}

    def convolve(x: Any, filters: int, size: int, strides: int = 1) -> Any:
        settings: dict[str, Any] = {"kernel_size": size, "strides": strides}
        width = max(1, int(filters * alpha))
        x = blocks.convolution(x, width, normalization=normalization, **settings, **kernel)
        return blocks.activate(blocks.normalize(x, normalization, momentum=0.9), activation)

    inputs = keras.Input(input_shape, name="image")
    x = _pool(convolve(inputs, 64, 7, next(steps)), next(steps))
    x = convolve(convolve(x, 64, 1), 192, 3)
    heads, count = [], 0
    for stage in MODULES:
        x = _pool(x, next(steps))  # (B, h, w, C) -> (B, h/2, w/2, C)
        for filters in stage:
            x = inception_module(x, filters, convolve)
            count += 1
            if auxiliary and count in _AUXILIARY_AFTER:
                heads.append(_auxiliary_head(x, convolve, num_classes, task, activation))
    x = blocks.drop(layers.GlobalAveragePooling2D()(x), dropout)  # (B, h, w, C) -> (B, C)
    outputs = blocks.head(x, num_classes, task)
    if heads:
        model = AuxiliaryModel(inputs, AuxiliaryHeads()([outputs, *heads]), name="inception")
    else:
        model = keras.Model(inputs, outputs, name="inception")
    return compile_model(model, task=task, **compile_options)


def inception_module(x: Any, filters: Sequence[int], convolve: Callable[..., Any]) -> Any:
    """Look with filters of several sizes, side by side.

    Args:
        x: A tensor (batch, height, width, channels).
        filters: Of 1 x 1; before 3 x 3 and of it; before 5 x 5 and of it; after the pooling.
        convolve: `(x, filters, size)` to a convolved tensor.

    Returns:
        A tensor (batch, height, width, the sum of the first, third, fifth and sixth).
    """
    one, before_three, three, before_five, five, pooled = filters
    branches = [
        convolve(x, one, 1),
        convolve(convolve(x, before_three, 1), three, 3),
        convolve(convolve(x, before_five, 1), five, 5),
        convolve(_pool(x, 1), pooled, 1),
    ]
    return layers.Concatenate()(branches)


def _pool(x: Any, strides: int) -> Any:
    return layers.MaxPooling2D(3, strides, padding="same")(x)


def _auxiliary_head(
    x: Any, convolve: Callable[..., Any], num_classes: int, task: str, activation: str
) -> Any:
    """Return predictions from the middle of the network, as in the paper's section 5."""
    if min(x.shape[1:3]) >= 5:
        x = layers.AveragePooling2D(5, 3)(x)
    x = blocks.flatten(convolve(x, 128, 1))
    x = blocks.dense(x, 1024, activation=activation, dropout=0.7)
    return blocks.head(x, num_classes, task, name=None)


@keras.saving.register_keras_serializable(package="dlkit")
class AuxiliaryHeads(keras.layers.Layer):
    """Pass on the predictions, and keep those of the auxiliary heads for the loss of a step.

    Example:
        >>> AuxiliaryHeads()([keras.ops.ones((2, 3)), keras.ops.zeros((2, 3))]).shape[1]
        3
    """

    kept: tuple[Any, ...] = ()

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the first of several predictions."""
        object.__setattr__(self, "kept", tuple(inputs[1:]) if training else ())
        return inputs[0]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the first."""
        return input_shape[0]


@keras.saving.register_keras_serializable(package="dlkit")
class AuxiliaryModel(keras.Model):
    """A model with `AuxiliaryHeads`, whose losses are added to that of its predictions.

    Example:
        >>> inputs = keras.Input((4,))
        >>> heads = [keras.layers.Dense(2, "softmax")(inputs) for _ in range(2)]
        >>> AuxiliaryModel(inputs, AuxiliaryHeads()(heads)).output_shape
        (None, 2)
    """

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the loss of the predictions and, in training, 0.3 of that of each other head."""
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        for kept in self.layers[-1].kept:
            loss += _AUXILIARY_WEIGHT * as_loss(self.loss)(y, kept, sample_weight)
        return loss
