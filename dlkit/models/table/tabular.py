"""Tables: one builder, and the network that its `architecture` names.

    tabm            many small networks in one             tabm.py             Gorishniy et al. 2025
    wide_and_deep   a linear model beside a deep network   wide_and_deep.py    Cheng et al. 2016
    ft_transformer  attention among the columns            ft_transformer.py   Gorishniy et al. 2021

All three begin with vectors for numbers that bend where the training rows are
(`dlkit.layers.PiecewiseLinearEmbedding`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras

from dlkit.argument_validation import check_choice
from dlkit.errors import InputError
from dlkit.models import blocks
from dlkit.models.hyperparameters import Choice, Float
from dlkit.models.registry import builder
from dlkit.models.table.features import read_bin_edges, read_feature_columns
from dlkit.models.table.ft_transformer import ft_transformer
from dlkit.models.table.tabm import tabm
from dlkit.models.table.wide_and_deep import wide_and_deep
from dlkit.tasks import Task
from dlkit.training.compiling import BuilderOptions, compile_model

if TYPE_CHECKING:
    from typing_extensions import Unpack

_MAKE: dict[str, Callable[..., keras.Model]] = {
    "tabm": tabm,
    "wide_and_deep": wide_and_deep,
    "ft_transformer": ft_transformer,
}
# Architecture -> the options that it has, with its defaults.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "tabm": {"members": 16, "units": (128, 128), "embedding_dim": 16, "dropout": 0.1},
    "wide_and_deep": {"units": (128, 128), "embedding_dim": 16, "dropout": 0.1},
    "ft_transformer": {
        "embedding_dim": 32,
        "depth": 2,
        "num_heads": 4,
        "mlp_ratio": 2.0,
        "dropout": 0.1,
    },
}


@builder(
    tasks=("binary", "multiclass", "multilabel", "regression"),
    inputs=("features",),
    reference="Gorishniy et al. 2025, arXiv:2410.24210",
    cpu={"jit_compile": False, "steps_per_execution": 16},
    test_config={
        "input_shape": (6,),
        "members": 4,
        "units": (16, 8),
        "embedding_dim": 4,
        "bin_edges": ((-1.0, 0.0, 1.0), (), (-0.5, 0.5), (), (), ()),
    },
    space={
        "learning_rate": Float(1e-4, 1e-2, sampling="log", default=1e-3),
        "batch_size": Choice((64, 128, 256), default=64),
        "architecture": Choice(("tabm", "wide_and_deep")),
        "members": Choice((16, 8, 32), when={"architecture": ("tabm",)}),
        "units": Choice(((128, 128), (64,), (128,), (256, 256), (128, 128, 128))),
        "embedding_dim": Choice((16, 8, 32)),
        "dropout": Float(0.0, 0.5, step=0.1, default=0.1),
    },
)
def tabular(
    input_shape: Sequence[int],
    num_classes: int,
    *,
    task: Task = "multiclass",
    architecture: str = "tabm",
    members: int | None = None,
    units: Sequence[int] | None = None,
    embedding_dim: int | None = None,
    depth: int | None = None,
    num_heads: int | None = None,
    mlp_ratio: float | None = None,
    activation: str = "relu",
    dropout: float | None = None,
    bin_edges: Sequence[Sequence[float]] | None = None,
    feature_columns: Sequence[int] | None = None,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """A network for tables: TabM, wide and deep, or a transformer of columns.

    Use it for tables of a thousand rows and more, numbers and categories mixed. `"tabm"` is the
    one to begin with: many networks that share most of their weights, whose mean is predicted; in
    training the loss is the mean of theirs, and metrics are of the mean. `"wide_and_deep"` is for
    `crosses` of columns that must be remembered, `"ft_transformer"` the slow one. `dk.models.build`
    asks the data for `bin_edges` and `feature_columns`.

    Reference:
        Gorishniy et al. 2025, TabM: Advancing Tabular Deep Learning with Parameter-Efficient
        Ensembling, arXiv:2410.24210; numbers: Gorishniy et al. 2022, On Embeddings for Numerical
        Features in Tabular Deep Learning, arXiv:2203.05556. `"wide_and_deep"`: Cheng et al. 2016,
        arXiv:1606.07792. `"ft_transformer"`: Gorishniy et al. 2021, arXiv:2106.11959.

    Args:
        input_shape: (features,).
        num_classes: Classes, labels, or numbers to predict.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
            Defaults to `"multiclass"`.
        architecture: `"tabm"`, `"wide_and_deep"` or `"ft_transformer"`. Defaults to `"tabm"`.
        members: Networks in one, of `"tabm"`. Defaults to `None`: 16.
        units: Width of each hidden layer, of `"tabm"` and `"wide_and_deep"`. Defaults to `None`:
            (128, 128).
        embedding_dim: Length of the vector of a number, and but for `"tabm"` of a category.
            Defaults to `None`: 16, and 32 for `"ft_transformer"`.
        depth: Encoder blocks of `"ft_transformer"`. Defaults to `None`: 2.
        num_heads: Heads of its attention, which divide `embedding_dim` among them. Defaults to
            `None`: 4.
        mlp_ratio: Width of the dense layer inside its blocks, in `embedding_dim`. Defaults to
            `None`: 2.0.
        activation: One of `blocks.ACTIVATIONS`. Defaults to `"relu"`.
        dropout: Share of each hidden layer set to 0 in training, in [0, 1). Defaults to `None`:
            0.1.
        bin_edges: The edges of each feature's bins, rising, and () for one that is taken as it is,
            as `dlkit.data.Data.bin_edges`. Defaults to `None`: all are taken as they are.
        feature_columns: Which column each feature is of, counted from 0: those of a category make
            one vector. Defaults to `None`: each is a column of its own.
        **compile_options: See `dlkit.training.CompileOptions`.

    Returns:
        A compiled model.

    Raises:
        InputError: for an option that the architecture does not have, bins of other features or
            that do not rise, or an option or a value that cannot be used.

    Example:
        >>> edges = [(-1.0, 0.0, 2.0), (), (), ()]
        >>> tabular((4,), 3, bin_edges=edges, feature_columns=(0, 1, 1, 1)).output_shape
        (None, 3)
    """
    given = {
        "members": members,
        "units": units,
        "embedding_dim": embedding_dim,
        "depth": depth,
        "num_heads": num_heads,
        "mlp_ratio": mlp_ratio,
        "dropout": dropout,
    }
    options = _options(architecture, {name: v for name, v in given.items() if v is not None})
    check_choice("activation", activation, blocks.ACTIVATIONS)
    (features,) = input_shape
    inputs = keras.Input(input_shape, name="features")
    edges = read_bin_edges(bin_edges, features)
    columns = read_feature_columns(feature_columns, features)
    model = _MAKE[architecture](
        *(inputs, num_classes, task),
        bin_edges=edges,
        feature_columns=columns,
        activation=activation,
        **options,
    )
    return compile_model(model, task=task, **compile_options)


def _options(architecture: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the architecture's options, those that are given in the place of its defaults."""
    defaults = ARCHITECTURES[check_choice("architecture", architecture, ARCHITECTURES)]
    for name in given.keys() - defaults:
        having = [other for other, options in ARCHITECTURES.items() if name in options]
        raise InputError(
            f"{name} is an option of architecture={' or '.join(map(repr, having))}: leave it out,"
            f" or choose that. Received: {name}={given[name]!r}, architecture={architecture!r}."
        )
    return defaults | given
