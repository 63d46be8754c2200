"""`search`: what is asked for is checked, then KerasTuner searches.

model, data, space -> a `HyperModel` -> built once: objective, space -> its directory
                   -> strategy's oracle -> `SearchTuner.search` -> the tuner
"""

from __future__ import annotations

import contextlib
import copy
import io
import pathlib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import keras
import keras_tuner

from dlkit.argument_validation import check_choice, check_integer
from dlkit.errors import InputError, full_disk
from dlkit.training.run_lock import unlock_run
from dlkit.tuning.hypermodels import SearchedModel, make_hypermodel
from dlkit.tuning.objectives import find_objective
from dlkit.tuning.oracles.oracle import SearchOracle
from dlkit.tuning.oracles.strategies import STRATEGIES
from dlkit.tuning.parallel.link import Link
from dlkit.tuning.parallel.roles import Role, find_role, is_for_another, taken_by
from dlkit.tuning.plan import Plan
from dlkit.tuning.project import check_project, describe_data, describe_space, open_project
from dlkit.tuning.running import (
    LAUNCHERS,
    check_launcher,
    make_link,
    run_alone,
    run_chief,
    run_remote_chief,
    run_worker,
)
from dlkit.tuning.spaces import Space
from dlkit.tuning.trial_data import TrialData
from dlkit.tuning.trials_table import TrialsTable, reason
from dlkit.tuning.tuner import SearchTuner

if TYPE_CHECKING:
    from dlkit.data.data import Data


def search(  # noqa: PLR0913 - a search's options are its arguments
    model: str | keras_tuner.HyperModel | Callable[[keras_tuner.HyperParameters], keras.Model],
    data: Data | Callable[[keras_tuner.HyperParameters], Data],
    *,
    strategy: str = "bayesian",
    space: Space | None = None,
    objective: str | keras_tuner.Objective | None = None,
    max_trials: int = 20,
    epochs: int = 10,
    executions: int = 1,
    folds: int | None = None,
    patience: int | None = None,
    pruning: str | None = None,
    max_minutes: float | None = None,
    workers: int = 1,
    isolate: bool = False,
    launcher: str = "process",
    directory: str | pathlib.Path = "searches",
    name: str | None = None,
    seed: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: bool = True,
) -> keras_tuner.Tuner:
    """Search for better hyperparameters than the space's defaults, which are the first trial.

    Everything is kept under `directory/name`. The same call goes on where a killed process was, and
    returns at once where the search is done; a larger `max_trials` goes on from there. The test
    split is never looked at.

    Args:
        model: A builder's name, a function from `hp` (`keras_tuner.HyperParameters`) to a compiled
            model, or a `keras_tuner.HyperModel`.
        data: A `Data` with a validation split, or a function from `hp` to one, whose options can
            then be searched as well.
        strategy: `"random"`, `"grid"`, `"bayesian"` (a Gaussian process), `"hyperband"` (many for a
            few epochs, the best for more) or `"tpe"` (Optuna's, `dlkit[tune]`). Defaults to
            `"bayesian"`.
        space: For a builder, option -> `Choice`, `Float`, `Int` or `Boolean` of `dlkit.tuning`, or
            a fixed value: the whole space; `"batch_size"` is an option too. For a model of your
            own, what is declared otherwise than there. Defaults to `None`: the builder's own,
            `dlkit.tuning.space(name)`, or what the function asks for.
        objective: A metric as `fit` names it, or a `keras_tuner.Objective`. Defaults to `None`: the
            model's first metric on the validation split.
        max_trials: Trials at most. Defaults to 20.
        epochs: Epochs of a trial at most; the best one counts. Defaults to 10.
        executions: How often a trial trains its model, from other seeds; its score is the mean.
            Defaults to 1.
        folds: On how many folds a trial is trained, in place of the validation split. Defaults to
            `None`.
        patience: Epochs without a better objective before a training ends. Defaults to `None`: it
            goes on.
        pruning: `"median"` ends a trial that is below the median of the others at its epoch.
            Defaults to `None`.
        max_minutes: When no further trial begins and the running one ends with its epoch, counted
            over all processes of the search. Defaults to `None`.
        workers: How many processes train at a time, each with its share of this machine's cores and
            GPUs; with more than one, this process only tells them what to do. Each runs the script
            that calls `search`, up to the search. Defaults to 1: this process trains.
        isolate: Train each trial in a new process, whose memory is free when it ends. Defaults to
            False.
        launcher: What starts workers: `"process"`, or `"ray"` for tasks of a Ray cluster
            (`dlkit[ray]`). Defaults to `"process"`.
        directory: Where searches are kept. Defaults to `"searches"`.
        name: This one's name. Defaults to `None`: `<model>-<data>-<strategy>`.
        seed: Of what is tried, and of each trial's weights and order of data. Defaults to 0.
        callbacks: Keras callbacks for each training; they are copied for it. With
            `keras.callbacks.TensorBoard`, its HParams page shows the search.
        verbose: Print a table, a line a trial. Defaults to True.

    Returns:
        A `keras_tuner.Tuner` that has searched: `results`, `report` and `best_model` of
        `dlkit.tuning` read it, and so do KerasTuner's own methods.

    Raises:
        InputError: before the first trial, when an argument cannot be used, the model does not
            report the objective or nothing tells its direction, or `name` is another search; and
            at the end, when each trial has failed.

    Example:
        >>> import dlkit as dk
        >>> data = dk.data.load("iris")
        >>> space = {"learning_rate": dk.tuning.Choice([0.01, 0.1])}
        >>> options = {"strategy": "grid", "epochs": 2, "verbose": False}
        >>> tuner = search("perceptron", data, space=space, **options)
        >>> [trial.status for trial in tuner.oracle.trials.values()]
        ['COMPLETED', 'COMPLETED']
    """
    plan = Plan(
        strategy, max_trials, epochs, executions, folds, patience, pruning, max_minutes, seed
    )
    check_choice("launcher", launcher, LAUNCHERS)
    alone = check_integer("workers", workers) == 1 and not isolate and launcher == "process"
    if not alone:
        check_launcher(launcher)
    source = TrialData(data, folds, seed)
    hypermodel = make_hypermodel(model, source, space)
    goal, facts = _look(hypermodel, source, objective)
    own = f"{hypermodel.name}-{facts['data']['name']}-{strategy}"
    project = pathlib.Path(directory) / _check_name(name or re.sub(r"[^\w.-]+", "_", own))
    facts = {"model": hypermodel.name, "objective": str(goal), **plan.facts(), **facts}
    role = find_role(project)
    fit: dict[str, Any] = {"epochs": epochs, "callbacks": _check_callbacks(callbacks)}
    if role is not None and not role.is_chief:
        check_project(project, facts)
        _work(role, lambda link: _make_tuner(plan, hypermodel, source, goal, project, link), fit)
    if is_for_another(project):
        check_project(project, facts)
        with taken_by(None):
            return _make_tuner(plan, hypermodel, source, goal, project)
    with _told_in_a_sentence(), taken_by(role):
        open_project(project, facts)
        try:
            tuner = _make_tuner(plan, hypermodel, source, goal, project)
            if verbose:
                tuner.oracle.watch = TrialsTable(tuner.oracle, max_trials)
            if tuner.oracle.is_finished():
                pass  # nobody need be started to hear it
            elif role is not None:
                run_remote_chief(tuner, role)
            elif alone:
                run_alone(tuner, **fit)
            else:
                run_chief(tuner, project, workers, launcher, isolate)
        finally:
            unlock_run(project)
    _check_results(tuner)
    return tuner


def _work(role: Role, make: Callable[[Link], SearchTuner], fit: dict[str, Any]) -> NoReturn:
    """Train what a chief asks for, and end the process: the chief goes on with what is found."""
    link = make_link(role)
    with taken_by(role):
        run_worker(make(link), link, **fit)
    sys.exit(0)


@contextlib.contextmanager
def _told_in_a_sentence() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if isinstance(error, keras_tuner.errors.FatalError) and not full_disk(error):
            raise InputError(f"The search cannot go on: {error}") from error
        if not (words := full_disk(error)):
            raise
        raise InputError(
            f"There is no room left to write ({words}); make some and search again: the trials that"
            " have ended are kept."
        ) from error


def _look(
    hypermodel: SearchedModel, source: TrialData, objective: Any
) -> tuple[keras_tuner.Objective, dict[str, Any]]:
    """Build the model with the defaults; return the objective, and what the search is of."""
    hp = keras_tuner.HyperParameters()
    built = hypermodel.build(hp)
    hypermodel.check_overrides()
    if not isinstance(built, keras.Model) or not built.compiled:
        raise InputError(
            f"{hypermodel.name} must return a compiled keras.Model. Received:"
            f" {type(built).__name__}{', not compiled' if isinstance(built, keras.Model) else ''}."
        )
    if not hp.space and not hypermodel.trains_itself:
        raise InputError(
            f"{hypermodel.name} asks for no hyperparameter, so there is nothing to search: use hp,"
            " as in hp.Float('learning_rate', 1e-4, 1e-2, sampling='log')."
        )
    if hypermodel.trains_itself and isinstance(objective, keras_tuner.Objective):
        goal = objective  # which its `fit` may return
    else:
        goal = find_objective(objective, built, source.splits(hp, 0)[1])
    return goal, {"space": describe_space(hp), "data": describe_data(source.record(hp))}


def _check_callbacks(callbacks: Sequence[keras.callbacks.Callback]) -> list[Any]:
    for callback in callbacks:
        name = type(callback).__name__
        if not isinstance(callback, keras.callbacks.Callback):
            raise InputError(f"callbacks are keras.callbacks.Callback objects. Received: {name}.")
        try:
            copy.deepcopy(callback)
        except Exception as error:
            raise InputError(
                f"The callback {name} cannot be copied for each training ({error}): let it open"
                " or lock what it needs in on_train_begin."
            ) from None
    return list(callbacks)


def _check_name(name: str) -> str:
    if not re.fullmatch(r"[\w.-]+", name) or name.startswith("."):
        raise InputError(
            "name is one of a directory: letters, digits, '_', '-' and '.', which does not come"
            f" first. Received: name={name!r}."
        )
    return name


def _make_tuner(
    plan: Plan,
    hypermodel: SearchedModel,
    source: TrialData,
    goal: keras_tuner.Objective,
    project: pathlib.Path,
    link: Link | None = None,
) -> SearchTuner:
    options: dict[str, Any] = {"max_trials": plan.max_trials, "objective": goal}
    options |= {"seed": plan.seed, "max_minutes": plan.max_minutes, "pruning": plan.pruning}
    if plan.strategy == "grid":
        options["declare"] = hypermodel.build
    if plan.strategy == "hyperband":
        options["max_epochs"] = plan.epochs
    oracle: SearchOracle = STRATEGIES[plan.strategy](**options)
    with contextlib.redirect_stdout(io.StringIO()):  # "Reloading Tuner from ..."
        return SearchTuner(
            oracle,
            hypermodel,
            source,
            executions=plan.folds or plan.executions,
            patience=plan.patience,
            epochs=plan.epochs,
            seed=plan.seed,
            link=link,
            directory=str(project.parent),
            project_name=project.name,
        )


def _check_results(tuner: SearchTuner) -> None:
    trials = tuner.oracle.trials.values()
    if not any(trial.status == "COMPLETED" for trial in trials):
        last = [trial for trial in trials if trial.status == "FAILED"]
        why = f": {reason(last[-1])}" if last else "; give it more max_minutes"
        raise InputError(f"None of the {len(trials)} trials has a score{why}.")
