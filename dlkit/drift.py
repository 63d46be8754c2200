"""Whether what a model is asked, and what it answers, still is like its training data.

    the profile in an export, the log of a server -> PSI and KS of each feature -> a report

`dlkit monitor` prints the report and exits with 1 past the threshold, so that a scheduler or an
alert can act on it.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from dlkit import profiles
from dlkit.checks import check_integer
from dlkit.errors import InputError

FILE = "training_profile.json"
_BINS = 10
# Less likely than this by chance alone, a difference counts.
_CHANCE = 0.01
# A share of 0 would make the index infinite.
_LEAST = 1e-4


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
    version: str | os.PathLike, log: str | os.PathLike, *, threshold: float = 0.2, least: int = 100
) -> list[Drift]:
    """Compare what a server has logged with the training data of the version that it serves.

    Reference: Siddiqi 2006, "Credit Risk Scorecards" (the population stability index); Kolmogorov
    1933 and Smirnov 1948 (the test).

    Args:
        version: The version's directory, `exports/<name>/<version>`.
        log: The server's request log; rotated parts beside it (`.1`, `.2`, ...) are read as well.
        threshold: The population stability index above which a feature has drifted. Defaults to
            0.2.
        least: How many logged rows there must be to say anything. Defaults to 100.

    Returns:
        One record a feature, those that moved most first.

    Raises:
        InputError: when the version has no profile, the log cannot be read or holds too few rows.
    """
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or threshold <= 0:
        raise InputError(f"threshold must be a number above 0. Received: threshold={threshold!r}.")
    check_integer("least", least)
    reference = read_profile(version)
    served = read_log(log, int(pathlib.Path(version).name))
    rows = max((len(values) for values in served.values()), default=0)
    if rows < least:
        raise InputError(
            f"{log} holds {rows} rows for version {pathlib.Path(version).name}; it takes at least"
            f" {least} to tell a change from chance. Log more requests, or give a smaller least."
        )
    found = [
        compare(name, reference[name], served[name], threshold)
        for name in reference
        if name in served
    ]
    return sorted(found, key=lambda drift: -drift.psi)


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


def read_log(log: str | os.PathLike, version: int | None = None) -> dict[str, np.ndarray]:
    """Return the features of all rows that a server has logged.

    Args:
        log: The newest part of the request log.
        version: Leave out what other versions answered. Defaults to None: none is left out.

    Raises:
        InputError: when it cannot be read, naming the line.
    """
    values: dict[str, list[Any]] = {}
    for entry in _entries(pathlib.Path(log)):
        if version is None or entry["version"] == version:
            for name, rows in entry["features"].items():
                values.setdefault(name, []).extend(rows)
    return {name: _column(rows) for name, rows in values.items()}


def _column(rows: list[Any]) -> np.ndarray:
    if any(isinstance(value, str) for value in rows):
        return np.array([str(value) for value in rows], object)
    return np.array([np.nan if value is None else value for value in rows], np.float64)


def _entries(log: pathlib.Path) -> Iterator[dict[str, Any]]:
    parts = sorted(log.parent.glob(f"{log.name}.[0-9]*"), reverse=True)
    if not log.is_file() and not parts:
        raise InputError(f"There is no request log {log}; start the server with --request-log.")
    for path in (*parts, log):
        if not path.is_file():
            continue
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    entry = json.loads(line)
                    entry["features"], entry["version"]
                except (ValueError, KeyError, TypeError):
                    raise InputError(
                        f"Line {number} of {path} is no entry of a request log; remove the line."
                    ) from None
                yield entry


def compare(
    feature: str, reference: Mapping[str, Any], values: np.ndarray, threshold: float
) -> Drift:
    """Compare served values of a feature with its distribution in training.

    Args:
        feature: Its name.
        reference: Its distribution, as `profiles.profile` has it.
        values: What was served: floats with NaN for what is missing, or texts.
        threshold: The population stability index above which it has drifted.

    Example:
        >>> before = profiles.profile({"age": np.arange(1000.0)})["age"]
        >>> drift = compare("age", before, np.arange(500.0, 1500.0), 0.2)
        >>> drift.drifted, round(drift.ks, 2)
        (True, 0.5)
    """
    if "shares" in reference:
        expected, actual = _category_shares(reference["shares"], values)
        distance = float(np.abs(expected - actual).sum() / 2)
        chance = _chi_squared(expected, actual, len(values), reference["rows"])
    else:
        expected, actual = _binned(reference, values)
        distance = _distance(reference, values)
        known = int((~np.isnan(values)).sum())
        chance = _kolmogorov(distance, known, reference["rows"])
        if abs(expected[-1] - actual[-1]) > 0:  # the share of what is missing
            chance = min(chance, _chi_squared(expected, actual, len(values), reference["rows"]))
    moved = index(expected, actual)
    return Drift(feature, moved, distance, chance, bool(moved > threshold and chance < _CHANCE))


def index(expected: np.ndarray, actual: np.ndarray) -> float:
    """Return the population stability index of two lists of shares, each of which adds up to 1.

    Example:
        >>> round(index(np.array([0.5, 0.5]), np.array([0.75, 0.25])), 4)
        0.2747
    """
    e, a = np.maximum(expected, _LEAST), np.maximum(actual, _LEAST)
    return float(((a - e) * np.log(a / e)).sum())


def _category_shares(
    shares: Mapping[str, float], values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    names = [name for name in shares if name != profiles.OTHER]
    counts = np.array([(values == name).sum() for name in names], float)
    actual = np.append(counts, len(values) - counts.sum()) / len(values)
    expected = np.array([*(shares[name] for name in names), shares[profiles.OTHER]])
    return expected, actual


def _binned(reference: Mapping[str, Any], values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares of tenths of the training values, and of what is missing."""
    quantiles = np.array(reference["quantiles"])
    missing = float(np.isnan(values).mean())
    if not len(quantiles):
        return np.array([0.0, 1.0]), np.array([1 - missing, missing])
    step = (len(quantiles) - 1) // _BINS
    # A value that many rows share makes several edges fall together: they are one.
    edges = np.unique(quantiles[step:-1:step])
    places = np.searchsorted(edges, values[~np.isnan(values)], side="left")
    counts = np.bincount(places, minlength=len(edges) + 1) / len(values)
    below = np.array([_share_up_to(quantiles, edge) for edge in edges])
    expected = np.diff(np.concatenate([[0.0], below, [1.0]])) * (1 - reference["missing"])
    return np.append(expected, reference["missing"]), np.append(counts, missing)


def _share_up_to(quantiles: np.ndarray, value: float) -> float:
    """Return the share of training values that are at most `value`, one of the quantiles."""
    return (np.searchsorted(quantiles, value, side="right") - 1) / (len(quantiles) - 1)


def _distance(reference: Mapping[str, Any], values: np.ndarray) -> float:
    """Return the largest distance between the cumulative shares, at the training quantiles."""
    quantiles = np.array(reference["quantiles"])
    known = np.sort(values[~np.isnan(values)])
    if not len(known) or not len(quantiles):
        return 0.0 if len(known) == len(quantiles) else 1.0
    at = np.unique(quantiles)
    actual = np.searchsorted(known, at, side="right") / len(known)
    expected = np.array([_share_up_to(quantiles, value) for value in at])
    return float(np.abs(actual - expected).max())


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
