"""Ensembles: several networks as one model, which is better than the best of them.

    averaging, bagging: x -> each member -> mean of their predictions
    boosting:           x -> each member -> activation of their sum
    stacking:           x -> each member -> meta learner
    snapshot:           x -> one network at the ends of its cycles -> mean of the predictions

`methods.py`, `stacking.py` and `snapshots.py` have how each is trained.

Reference: Lakshminarayanan, Pritzel & Blundell 2017, arXiv:1612.01474.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from dlkit.argument_validation import check_choice, check_fraction
from dlkit.errors import InputError
from dlkit.models.ensembles.members import (
    common_preferences,
    make_members,
    name_kinds,
    parse_members,
)
from dlkit.models.ensembles.methods import (
    AveragingEnsemble,
    BaggingEnsemble,
    BoostedSum,
    BoostingEnsemble,
)
from dlkit.models.ensembles.snapshots import SnapshotEnsemble, SnapshotMean
from dlkit.models.ensembles.stacking import StackingEnsemble, meta_learner
from dlkit.models.hyperparameters import Choice, Float
from dlkit.models.registry import builder
from dlkit.tasks import Task
from dlkit.training.compiling import BuilderOptions, check_compile_options, compile_model, make_loss

if TYPE_CHECKING:
    from typing_extensions import Unpack

METHODS = {
    "averaging": AveragingEnsemble,
    "bagging": BaggingEnsemble,
    "boosting": BoostingEnsemble,
    "stacking": StackingEnsemble,
    "snapshot": SnapshotEnsemble,
}


@builder(
    tasks=("binary", "multiclass", "multilabel", "regression"),
    inputs=("any",),
    reference="Lakshminarayanan et al. 2017, arXiv:1612.01474",
    test_config={
        "input_shape": (6,),
        "members": (("mlp", {"units": (8,)}), ("mlp", {"units": (12,)})),
    },
    space={
        "learning_rate": Float(1e-4, 1e-2, sampling="log", default=1e-3),
        "batch_size": Choice((32, 64, 128), default=64),
        "method": Choice(("averaging", "bagging", "boosting", "stacking", "snapshot")),
        "shrinkage": Float(0.1, 1.0, step=0.1, default=0.5, when={"method": ("boosting",)}),
        "holdout": Float(0.1, 0.5, step=0.1, default=0.1, when={"method": ("stacking",)}),
    },
)
def ensemble(
    input_shape: Sequence[int] | Mapping[str, Sequence[int]],
    num_classes: int,
    *,
    task: Task = "multiclass",
    members: str | Sequence[Any] | None = None,
    method: str = "averaging",
    shrinkage: float = 0.5,
    holdout: float = 0.1,
    kinds: Sequence[str] | None = None,
    input_scale: tuple[Sequence[float], Sequence[float]] | None = None,
    target_columns: Sequence[int] | None = None,
    vocab_size: int | None = None,
    bin_edges: Sequence[Sequence[float]] | None = None,
    feature_columns: Sequence[int] | None = None,
    **compile_options: Unpack[BuilderOptions],
) -> keras.Model:
    """Ensemble: several models as one, by averaging, bagging, boosting, stacking or snapshots.

    Use it where the last points of a score are worth several times the computation: what the
    members do wrong each in its own way goes out of the mean. One `fit` trains them all. Its loss
    is that of the ensemble's prediction; what each member minimizes depends on the method:

    - `"averaging"`: its own loss, on all examples; members differ by their seeds.
    - `"bagging"`: its own loss, with each example counted as often as a bootstrap sample has it: a
      Poisson number with mean 1, made of the example's inputs, and the same in each epoch. Where
      training examples are augmented, each view has a number of its own.
    - `"boosting"`: the loss of the sum of the members before it plus its own numbers (logits where
      the task has classes), so that it learns what they leave.
    - `"stacking"`: its own loss, on all examples but a share that is chosen by their inputs. On
      these a meta learner, linear in the logarithms of the probabilities and at first their mean,
      learns how to weigh members. Out-of-fold predictions would train both on every example, for
      several times the computation. Leave augmentation out: a view of an example that is held out
      in one epoch may be learned in another.
    - `"snapshot"`: one network is trained, for as long as it would be alone, with a learning rate
      that falls and begins again; the weights at the end of each cycle are a member.

    Optimizer and learning rate are those that all members' builders prefer, where they are of one
    mind, else `compile_model`'s. A member that is a builder keeps that builder's loss.

    Reference:
        Lakshminarayanan et al. 2017, Simple and Scalable Predictive Uncertainty Estimation using
        Deep Ensembles, arXiv:1612.01474. Breiman 1996, Bagging Predictors, Machine Learning 24.
        Oza & Russell 2001, Online Bagging and Boosting. Friedman 2001, Greedy Function
        Approximation, Annals of Statistics 29. Wolpert 1992, Stacked Generalization, Neural
        Networks 5. Huang et al. 2017, Snapshot Ensembles, arXiv:1704.00109.

    Args:
        input_shape: Shape of one input, or name -> shape of several.
        num_classes: Classes, labels, or numbers to predict.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
            Defaults to `"multiclass"`.
        members: Two or more, each a builder's name, a name with options, as
            `("mlp", {"units": (32,)})`, or a Keras model that predicts for the task (for boosting:
            without its last activation), which goes on from its weights. A single name, or name
            with options, is five of it; a text may have several, with commas. Defaults to `None`:
            five of `cnn` for images, of `mlp` for features and sequences.
        method: `"averaging"`, `"bagging"`, `"boosting"`, `"stacking"` or `"snapshot"`.
            Defaults to `"averaging"`.
        shrinkage: For boosting, the share of each member that is added, in (0, 1].
            Defaults to 0.5.
        holdout: For stacking, the share of the examples from which the meta learner learns, and
            members do not, in (0, 1). Defaults to 0.1.
        kinds: The kind of each input, as in `@builder(inputs=...)`; `dk.models.build` gives that of
            the data. Defaults to `None`: features, a sequence or an image, by the shape.
        input_scale: How images were standardised, for members that want to know, as `transfer`;
            `dk.models.build` gives that of the data. Defaults to `None`: not at all.
        target_columns: Which channels of a series are predicted, for members that want to know, as
            `linear_forecast`; `dk.models.build` asks the data. Defaults to `None`: all.
        vocab_size: How many tokens there are, for members that want to know, as `rnn`; `build`
            asks the data. Defaults to `None`.
        bin_edges: The edges of the bins of a table's numbers, for members that want to know, as
            `tabular`; `build` asks the data. Defaults to `None`: none.
        feature_columns: Which column of a table each feature is of, likewise. Defaults to `None`.
        **compile_options: See `dlkit.training.CompileOptions`; `seed` decides the seeds of members.

    Returns:
        A compiled model; `model.members` are its members.

    Raises:
        InputError: for a member that does not take this input or do this task, fewer than two, or
            an option or a value that cannot be used.

    Example:
        >>> model = ensemble((4,), 3, members=["perceptron", ("mlp", {"units": (8,)})], seed=0)
        >>> [member.name for member in model.members], model.output_shape
        (['perceptron_1', 'mlp_2'], (None, 3))
    """
    check_choice("method", method, METHODS)
    shrinkage = _check_share("shrinkage", shrinkage)
    holdout = check_fraction("holdout", _check_share("holdout", holdout))
    inputs = name_kinds(input_shape, kinds)
    specs = parse_members(members, [kind for _, kind in inputs.values()], task=task, method=method)
    given: dict[str, Any] = {**compile_options, "task": task}
    scale = check_compile_options(**given)["target_scale"]
    given.pop("target_scale", None)
    options = common_preferences(specs, given)
    smoothing = options.pop("label_smoothing", 0.0)
    options["loss"] = loss = make_loss(
        task=task, loss=options.get("loss"), label_smoothing=smoothing, target_scale=scale
    )
    given |= {"target_scale": scale, "input_scale": input_scale}
    given |= {"target_columns": target_columns, "vocab_size": vocab_size}
    given |= {"bin_edges": bin_edges, "feature_columns": feature_columns}
    built = make_members(specs, inputs, num_classes, method=method, options=given, loss=loss)
    combine = _combination(method, task, built, shrinkage, scale)
    made = {"members": built, "combine": combine, "name": "ensemble"}
    if method in ("bagging", "stacking"):
        made["seed"] = random.getrandbits(31)
    if method == "stacking":
        made["holdout"] = holdout
    return compile_model(METHODS[method](**made), **options)


def _check_share(argument: str, value: Any) -> float:
    """Return a number in (0, 1]."""
    share = check_fraction(argument, value, high=float("inf"))
    if not 0 < share <= 1:
        raise InputError(f"{argument} must be in (0, 1]. Received: {argument}={value!r}.")
    return share


def _combination(
    method: str, task: str, members: Sequence[Any], shrinkage: float, scale: Any
) -> Any:
    """Return what makes one prediction of those of all members."""
    last: dict[str, Any] = {"dtype": "float32", "name": "predictions"}
    if method == "boosting":
        activation = {"multiclass": "softmax", "regression": "linear"}.get(task, "sigmoid")
        return BoostedSum(activation, shrinkage, 0.0 if scale is None else scale[0], **last)
    if method == "stacking":
        return meta_learner(len(members), members[0].output_shape[-1], task, scale)
    return SnapshotMean(**last) if method == "snapshot" else layers.Average(**last)
