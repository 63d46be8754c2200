"""Linear forecasts: each step ahead is a weighted sum of the steps behind, and little beats that.

    dlinear:  window -> moving average (trend) -> linear ---- + linear of the rest -> forecast
    nlinear:  window - last value -> linear -> + last value -> forecast
    rlinear:  window -> mean and deviation taken away -> linear -> put back -> forecast

Each channel is forecast from its own past alone.

References: Zeng et al. 2022, arXiv:2205.13504 (DLinear, NLinear); Li et al. 2023, arXiv:2305.10721
(RLinear); Kim et al. 2022 (the reversible normalization).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import layers, ops

from dlkit.argument_validation import check_choice, check_integer
from dlkit.errors import InputError
from dlkit.layers import ReversibleInstanceNormalization
from dlkit.models.hyperparameters import Boolean, Choice, Float
from dlkit.models.registry import builder
from dlkit.models.sequence.forecasts import forecast_input
from dlkit.tasks import Task
from dlkit.training.compiling import BuilderOptions, compile_model

if TYPE_CHECKING:
    from typing_extensions import Unpack

METHODS = ("dlinear", "nlinear", "rlinear")
_KERNEL = 25  # a day of hours, and one: the paper's


@builder(
    tasks=("regression",),
    inputs=("sequence",),
    reference="Zeng et al. 2022, arXiv:2205.13504; Li et al. 2023, arXiv:2305.10721",
    cpu={"jit_compile": True, "steps_per_execution": 16},
    test_config={"input_shape": (24, 2)},
    space={
        "learning_rate": Float(1e-4, 1e-2, sampling="log", default=1e-3),
        "batch_size": Choice((32, 64, 128), default=64),
        "method": Choice(("rlinear", "nlinear", "dlinear")),
        "individual": Boolean(),
    },
)
def linear_forecast(
    input_shape: Sequence[int | None],
    num_classes: int,
    *,
    task: Task = "regression",
    method: str = "rlinear",
    kernel_size: int | None = None,
    individual: bool = False,
    target_columns: Sequence[int] | None = None,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """DLinear, NLinear or RLinear: a forecast as weighted sums of the past of each channel.

    Use it first for a series that is to be forecast many steps ahead: it trains in seconds, and
    larger networks have to be better than it. Its forecasts follow the level of the window, so that
    a rise beyond all that was trained on does no harm.

    Reference:
        Zeng et al. 2022, Are Transformers Effective for Time Series Forecasting?, arXiv:2205.13504.
        Li et al. 2023, Revisiting Long-term Time Series Forecasting: An Investigation on Linear
        Mapping, arXiv:2305.10721.

    Args:
        input_shape: (length, channels), the window of the data.
        num_classes: Numbers to predict: steps of the horizon times channels that are predicted, a
            step's side by side.
        task: `"regression"`. Defaults to `"regression"`.
        method: What is done before the weighted sums, and undone behind them: `"rlinear"` takes the
            window's mean away and divides by its deviation, `"nlinear"` takes its last value away,
            `"dlinear"` sums its moving average and what is left each by weights of their own.
            Defaults to `"rlinear"`.
        kernel_size: Steps of the moving average, an odd number of at least 3; for
            `method="dlinear"`. Defaults to `None`: 25.
        individual: Whether each channel has weights of its own; else they share them.
            Defaults to `False`.
        target_columns: Which channels are predicted, in the order of the targets;
            `dk.models.build` asks the data. Defaults to `None`: all.
        **compile_options: See `dlkit.training.CompileOptions`.

    Returns:
        A compiled model.

    Raises:
        InputError: for numbers to predict that no whole horizon has, channels that there are not, a
            window that is shorter than the moving average, or an option or a value that cannot be
            used.

    Example:
        >>> linear_forecast((96, 7), 24 * 7).output_shape
        (None, 168)
    """
    check_choice("method", method, METHODS)
    width = _check_kernel(kernel_size, method, input_shape[0])
    inputs, x, horizon = forecast_input(input_shape, num_classes, target_columns)
    if method == "dlinear":
        trend = moving_average(x, width)
        forecast = weighted_sums(x - trend, horizon, individual=individual, name="seasonal")
        forecast += weighted_sums(trend, horizon, individual=individual, name="trend")
    elif method == "nlinear":
        last = x[:, -1:]
        forecast = weighted_sums(x - last, horizon, individual=individual) + last
    else:
        x, offset, scale = ReversibleInstanceNormalization()(x)
        forecast = weighted_sums(x, horizon, individual=individual) * scale + offset
    outputs = ops.reshape(forecast, (-1, num_classes))  # (B, H, C) -> (B, H * C)
    model = keras.Model(inputs, outputs, name="linear_forecast")
    return compile_model(model, task=task, **compile_options)


def weighted_sums(
    x: Any, horizon: int, *, individual: bool = False, name: str = "predictions"
) -> Any:
    """Sum the steps of each channel with weights, once for each step ahead.

    Args:
        x: A tensor (batch, length, channels).
        horizon: Steps ahead.
        individual: Whether each channel has weights of its own. Defaults to `False`.
        name: The layer's. Defaults to `"predictions"`.

    Returns:
        A tensor (batch, horizon, channels), in float32.

    Raises:
        InputError: for something else than True or False.

    Example:
        >>> weighted_sums(keras.Input((96, 7)), 24).shape
        (None, 24, 7)
    """
    if not isinstance(individual, bool):
        raise InputError(f"individual must be True or False. Received: individual={individual!r}.")
    equation, biases = ("blc,clh->bhc", "hc") if individual else ("blc,lh->bhc", "h")
    shape = (horizon, x.shape[-1])
    return layers.EinsumDense(equation, shape, bias_axes=biases, dtype="float32", name=name)(x)


def moving_average(x: Any, kernel_size: int) -> Any:
    """Average each step with its neighbours; beyond the ends lie the first and the last again.

    Reference:
        Wu et al. 2021, Autoformer, arXiv:2106.13008, equation 1, with DLinear's edges.

    Args:
        x: A tensor (batch, length, channels).
        kernel_size: How many steps, an odd number of at least 3.

    Returns:
        A tensor of the same shape.

    Example:
        >>> moving_average(ops.array([[[3.0], [6.0], [0.0]]]), 3)[0, :, 0].numpy().tolist()
        [4.0, 3.0, 2.0]
    """
    around = kernel_size // 2
    first, last = (ops.repeat(end, around, axis=1) for end in (x[:, :1], x[:, -1:]))
    return layers.AveragePooling1D(kernel_size, 1)(ops.concatenate([first, x, last], axis=1))


def _check_kernel(kernel_size: Any, method: str, length: Any) -> int:
    """Return the steps of the moving average."""
    if method != "dlinear" and kernel_size is not None:
        raise InputError(
            f"kernel_size={kernel_size!r} belongs to method='dlinear': name that, or leave"
            f" kernel_size out. Received: method={method!r}."
        )
    width = _KERNEL if kernel_size is None else check_integer("kernel_size", kernel_size, minimum=3)
    if width % 2 == 0:
        raise InputError(
            f"kernel_size must be odd, with as many steps before as behind. Received: {width}."
        )
    if method == "dlinear" and length is not None and length < width:
        raise InputError(
            f"A window of {length} steps is shorter than the moving average of {width}: give a"
            " longer window, or a smaller kernel_size. Received:"
            f" input_shape[0]={length}, kernel_size={kernel_size!r}."
        )
    return width
