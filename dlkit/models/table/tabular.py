"""Tables: which network, by the name of its architecture.

    tabm: many small networks in one            tabm.py            Gorishniy et al. 2025
    wide_and_deep: a linear model beside a deep one   wide_and_deep.py   Cheng et al. 2016
    ft_transformer: attention among the columns ft_transformer.py  Gorishniy et al. 2021
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras

from dlkit.argument_validation import check_choice
from dlkit.models.hyperparameters import Choice, Float
from dlkit.models.registry import builder
from dlkit.models.table.features import read_bin_edges
from dlkit.models.table.tabm import tabm
from dlkit.tasks import Task
from dlkit.training.compiling import BuilderOptions, compile_model

if TYPE_CHECKING:
    from typing_extensions import Unpack

# Architecture -> the options that it has, and their defaults.
ARCHITECTURES = {
    "tabm": (tabm, {"members": 16, "units": (128, 128), "embedding_dim": 16, "dropout": 0.1}),
}


@builder(
    tasks=("binary", "multiclass", "multilabel", "regression"),
    inputs=("features",),
    reference="Gorishniy et al. 2025, arXiv:2410.24210",
    cpu={"jit_compile": False, "steps_per_execution": 16},
    test_config={"input_shape": (6,), "units": (16, 8), "members": 4},
    space={
        "learning_rate": Float(1e-4, 1e-2, sampling="log", default=1e-3),
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
    activation: str = "relu",
    dropout: float | None = None,
    bin_edges: Sequence[Sequence[float]] | None = None,
    feature_columns: Sequence[int] | None = None,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """Table.
    """
    check_choice("architecture", architecture, ARCHITECTURES)
    make, defaults = ARCHITECTURES[architecture]
    given: dict[str, Any] = {
        "members": members, "units": units, "embedding_dim": embedding_dim, "dropout": dropout
    }
    options = {name: default if given[name] is None else given[name] for name, default in defaults.items()}
    inputs = keras.Input(input_shape, name="features")
    (features,) = input_shape
    model = make(inputs, num_classes, task, bin_edges=read_bin_edges(bin_edges, features), activation=activation, **options)
    return compile_model(model, task=task, **compile_options)
