"""Whether what a model is asked, and what it answers, still is like its training data.

    the profile in an export, the log of a server -> PSI and KS of each feature -> a report

`dlkit monitor` prints the report and exits with 1 past the threshold, so that a scheduler or an
alert can act on it.
"""

from __future__ import annotations

import collections
import dataclasses
import glob
import json
import math
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dlkit.argument_validation import check_integer
from dlkit.errors import InputError
from dlkit.feature_profiles import OTHER, checksum, inner_edges, rounded_numbers
from dlkit.serving.core.base_path import is_version

FILE = "training_profile.json"
_CHANCE = 0.01  # less likely than this by chance alone, a difference counts
_LEAST = 1e-4  # a share of 0 would make the index infinite


@dataclasses.dataclass(frozen=True)
class Drift:
    """How one feature's distribution has moved.

    Attributes:
        feature: Its name; of predictions, after the output's name.
        psi: The population stability index, 0 for equal distributions; above 0.1 is a moderate
            change, above 0.25 a large one, by custom.
        ks: The Kolmogorov-Smirnov statistic of numbers, the largest distance between the two
            cumulative distributions, in [0, 1]; of texts, half the sum of the differences of the
            shares.
        p_value: How likely such a difference is by chance, from 0 to 1.
        drifted: Whether `psi` is above the threshold and chance does not explain it.
    """

    feature: str
    psi: float
    ks: float
    p_value: float
    drifted: bool


def monitor(
    version: str | os.PathLike,
    log: str | os.PathLike,
    *,
    threshold: float = 0.2,
    least: int = 100,
    model: str | None = None,
) -> list[Drift]:
    """Compare what a server has logged with the training data of the version that it serves.

    Reference: Siddiqi 2006, "Credit Risk Scorecards" (the population stability index); Kolmogorov
    1933 and Smirnov 1948 (the test).

    Args:
        version: The version's directory, `exports/<name>/<version>`.
        log: The server's request log; rotated parts beside it (`.1`, `.2`, ...) are read as well.
        threshold: The population stability index above which a feature has drifted. Defaults to
            0.2.
        least: How many logged rows of a feature there must be to say anything. Defaults to 100.
        model: The name under which the version is served. Defaults to None: that of the directory
            of its versions, as a server has it.

    Returns:
        One record a feature of which there are enough rows, those that moved most first.

    Raises:
        InputError: when the version has no profile, the log cannot be read or holds too few rows.
    """
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or threshold <= 0:
        raise InputError(f"threshold must be a number above 0. Received: threshold={threshold!r}.")
    check_integer("least", least)
    reference = read_profile(version)
    path = pathlib.Path(os.path.abspath(version))
    number = int(path.name) if is_version(path) else 1
    model = model or (path.parent.name if is_version(path) else path.name)
    served = read_log(log, number, model)
    rows = {name: len(served.get(name, ())) for name in reference}
    most = max(rows.values(), default=0)
    if most < least:
        raise InputError(
            f"For model '{model}', {log} holds {most} rows for version {number}; it takes at least"
            f" {least} to tell a change from chance. Log more requests, give a smaller least, or as"
            f" model the name under which it is served. The log is of {_logged(log)}."
        )
    found = [
        compare_feature(name, reference[name], served[name], threshold)
        for name, count in rows.items()
        if count >= least
    ]
    return sorted(found, key=lambda drift: -drift.psi)


def _logged(log: str | os.PathLike) -> str:
    """Return whose requests a log holds."""
    entries = _entries(pathlib.Path(log))
    names = {f"'{entry.get('model')}' version {entry['version']}" for entry in entries}
    return ", ".join(sorted(names)) or "no model"


def read_profile(version: str | os.PathLike) -> dict[str, dict[str, Any]]:
    """Return the profile of the training data that an export keeps.

    Args:
        version: The version's directory.

    Raises:
        InputError: when there is none.
    """
    path = pathlib.Path(version, "assets.extra", FILE)
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        raise InputError(
            f"{path} cannot be read: give the directory of one version, as exports/digits/1, that"
            " was exported with data=..."
        ) from None


def read_log(
    log: str | os.PathLike, version: int | None = None, model: str | None = None
) -> dict[str, np.ndarray]:
    """Return the features of all rows that a server has logged.

    Args:
        log: The newest part of the request log.
        version: Leave out what other versions answered. Defaults to None: none is left out.
        model: Leave out what other models answered. Defaults to None: none is left out.

    Raises:
        InputError: when it cannot be read, naming the line.
    """
    values: dict[str, list[Any]] = {}
    for entry in _entries(pathlib.Path(log)):
        asked = {"version": version, "model": model}
        if all(want in (None, entry.get(key, want)) for key, want in asked.items()):
            for name, rows in entry["features"].items():
                values.setdefault(name, []).extend(rows)
    return {name: _column(rows) for name, rows in values.items()}


def _column(rows: list[Any]) -> np.ndarray:
    if any(isinstance(value, str) for value in rows):
        return np.array([value if value is None else str(value) for value in rows], object)
    return np.array([np.nan if value is None else value for value in rows], np.float64)


def _entries(log: pathlib.Path) -> Iterator[dict[str, Any]]:
    beside = sorted(log.parent.glob(f"{glob.escape(log.name)}.*"), reverse=True)
    parts = [path for path in beside if path.suffix[1:].isdecimal()]
    if not log.is_file() and not parts:
        raise InputError(f"There is no request log {log}; start the server with --request-log.")
    for path in (*parts, log):
        if not path.is_file():
            continue
        try:
            lines = path.open(encoding="utf-8", errors="replace")
        except OSError as error:
            raise InputError(f"The request log {path} cannot be read: {error.strerror}.") from None
        with lines:
            for number, line in enumerate(lines, start=1):
                try:
                    entry = json.loads(line)
                    entry["features"].items(), entry["version"]
                except (ValueError, KeyError, TypeError, AttributeError):
                    if not line.endswith("\n"):  # being written
                        break
                    raise InputError(
                        f"Line {number} of {path} is no entry of a request log; remove the line."
                    ) from None
                yield entry


def compare_feature(
    feature: str, reference: Mapping[str, Any], values: np.ndarray, threshold: float
) -> Drift:
    """Compare served values of a feature with its distribution in training.

    Args:
        feature: Its name.
        reference: Its distribution, as `profile_features` makes it.
        values: What was served: floats with NaN for what is missing, or texts with None.
        threshold: The population stability index above which it has drifted.

    Example:
        >>> from dlkit.feature_profiles import profile_features
        >>> before = profile_features({"age": np.arange(1000.0)})["age"]
        >>> drift = compare_feature("age", before, np.arange(500.0, 1500.0), 0.2)
        >>> drift.drifted, round(drift.ks, 2)
        (True, 0.5)
    """
    if "shares" in reference:
        expected, actual = _category_shares(reference, values)
        distance = float(np.abs(expected - actual).sum() / 2)
        chance = _chi_squared(expected, actual, len(values), reference["rows"])
    else:
        quantiles, values = rounded_numbers(reference["quantiles"]), rounded_numbers(values)
        expected, actual = _binned(reference, quantiles, values)
        distance = _distance(quantiles, values)
        known = int((~np.isnan(values)).sum())
        chance = _kolmogorov(distance, known, reference["rows"])
        if abs(expected[-1] - actual[-1]) > 0:  # the share of what is missing
            chance = min(chance, _chi_squared(expected, actual, len(values), reference["rows"]))
    moved = stability_index(expected, actual)
    return Drift(feature, moved, distance, chance, bool(moved > threshold and chance < _CHANCE))


def stability_index(expected: np.ndarray, actual: np.ndarray) -> float:
    """Return the population stability index of two lists of shares, each of which adds up to 1.

    Example:
        >>> round(stability_index(np.array([0.5, 0.5]), np.array([0.75, 0.25])), 4)
        0.2747
    """
    e, a = np.maximum(expected, _LEAST), np.maximum(actual, _LEAST)
    return float(((a - e) * np.log(a / e)).sum())


def _category_shares(
    reference: Mapping[str, Any], values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares of frequent values, of rare, of unseen and of missing ones."""
    shares = {name: share for name, share in reference["shares"].items() if name != OTHER}
    others = reference["shares"][OTHER]
    # A profile from before these were told apart takes all others for unseen.
    unseen, seen = reference.get("unseen", others), set(reference.get("seen", ()))
    counts = collections.Counter(str(value) for value in values if isinstance(value, str))
    rare = sum(
        count
        for value, count in counts.items()
        if value not in shares and checksum(value.encode()) in seen
    )
    found = [*(counts[name] for name in shares), rare]
    found += [counts.total() - sum(found), len(values) - counts.total()]
    actual = np.array(found) / len(values)
    unseen = min(unseen, actual[-2])  # that fewer are new than may be is no change
    expected = [*shares.values(), others - unseen, unseen, reference["missing"]]
    return np.array(expected), actual


def _binned(
    reference: Mapping[str, Any], quantiles: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares of tenths of the training values, and of what is missing."""
    missing = float(np.isnan(values).mean())
    edges = inner_edges(quantiles)
    below = reference.get("below", _shares_up_to(quantiles, edges))
    places = np.searchsorted(edges, values[~np.isnan(values)], side="left")
    counts = np.bincount(places, minlength=len(edges) + 1) / len(values)
    expected = np.diff(np.concatenate([[0.0], below, [1.0]])) * (1 - reference["missing"])
    return np.append(expected, reference["missing"]), np.append(counts, missing)


def _shares_up_to(quantiles: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the shares of training values that are at most each of `values`, about."""
    places = np.searchsorted(quantiles, values, side="right") - 1
    return np.maximum(places, 0) / max(len(quantiles) - 1, 1)


def _distance(quantiles: np.ndarray, values: np.ndarray) -> float:
    """Return the largest distance between the cumulative shares, at the training quantiles."""
    known = np.sort(values[~np.isnan(values)])
    if not len(known) or not len(quantiles):
        return 0.0 if len(known) == len(quantiles) else 1.0
    at = np.union1d(quantiles, inner_edges(quantiles))
    actual = np.searchsorted(known, at, side="right") / len(known)
    return float(np.abs(actual - _shares_up_to(quantiles, at)).max())


def _kolmogorov(distance: float, served: int, trained: int) -> float:
    from scipy.stats import kstwobign

    if not served or not trained:
        return 1.0
    return float(kstwobign.sf(distance * math.sqrt(served * trained / (served + trained))))


def _chi_squared(expected: np.ndarray, actual: np.ndarray, served: int, trained: int) -> float:
    """Return how likely two samples of one population have shares so far apart."""
    from scipy.stats import chi2

    together = (expected * trained + actual * served) / (trained + served)
    present = together > 0
    squares = (expected - actual)[present] ** 2 / together[present]
    statistic = squares.sum() * served * trained / (served + trained)
    return float(chi2.sf(statistic, max(present.sum() - 1, 1)))
