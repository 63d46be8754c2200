"""Checks of what the network gets: numbers that are none, and inputs that are not scaled."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlkit.data.checks.view import View
from dlkit.data.core.wording import Finding, listed

_FAR, _FLAT, _EXTREME = 5.0, 0.05, 20.0


def check_inputs(view: View) -> Iterator[Finding]:
    """Look at the first batches of each split."""
    yield from _finite(view)
    if view.kind.scaled:
        yield from _scale(view)
    yield from _cut_short(view)


def _finite(view: View) -> Iterator[Finding]:
    seen = 0
    for split, batches in view.batches.items():
        bad = sum(
            np.count_nonzero(~np.isfinite(part).all(axis=tuple(range(1, part.ndim))))
            for x, _ in batches
            for part in x
            if part.dtype.kind == "f"
        )
        seen += sum(len(x[0]) for x, _ in batches)
        if bad:
            yield Finding(
                "error",
                "not a number",
                f"{bad:,} of the first {split} inputs hold NaN or infinity",
                "fill or drop them: the loss becomes NaN too",
            )
            return
    yield Finding("ok", "not a number", f"none in {seen:,} network inputs")


def _scale(view: View) -> Iterator[Finding]:
    parts = [[x[i] for x, _ in view.batches["train"]] for i in range(_inputs(view))]
    far, extreme, count = [], [], 0
    for index, batches in enumerate(parts):
        if batches[0].dtype.kind != "f":
            continue
        values = np.concatenate([b.reshape(-1, b.shape[-1]) for b in batches]).astype(np.float64)
        values = values[np.isfinite(values).all(axis=1)]
        if not len(values):
            continue
        count += values.shape[1]
        mean, std = values.mean(axis=0), values.std(axis=0)
        names = _names(view, index, values.shape[1])
        far += [
            f"{names[i]}: mean {mean[i]:.3g}, deviation {std[i]:.3g}"
            for i in np.flatnonzero((np.abs(mean) > _FAR) | (std > _FAR))
        ]
        # Most of what is one-hot is 0, as it should be: the more categories, the less it deviates.
        numbers = np.flatnonzero(~np.isin(values, (0, 1)).all(axis=0))
        if len(numbers) and values[:, numbers].std() < _FLAT:
            told = listed([names[i] for i in numbers])
            far.append(f"{told}: deviation {values[:, numbers].std():.2g}")
        reach = np.abs(values).max(axis=0)
        extreme += [f"{names[i]}: {reach[i]:.0f}" for i in np.flatnonzero(reach > _EXTREME)]
    if far:
        detail = f"{listed(far)}, where mean 0 and deviation 1 are expected"
        advice = "standardise them, as from_arrays and the other functions do"
        yield Finding("warning", "scale of inputs", detail, advice)
    elif extreme and view.kind.extremes:
        detail = f"far from the mean, in deviations: {listed(extreme)}"
        advice = "look at them; data.without_outliers(), or take the logarithm"
        yield Finding("note", "scale of inputs", detail, advice)
    elif count:
        yield Finding("ok", "scale of inputs", "near mean 0 and deviation 1")


def _inputs(view: View) -> int:
    return len(view.batches["train"][0][0])


def _names(view: View, index: int, count: int) -> list[str]:
    data = view.data
    if data.feature_names and len(data.feature_names) == count:
        return list(data.feature_names)
    spec = sorted(data.input_spec)  # as TensorFlow flattens a dict
    name = spec[index] if index < len(spec) else "input"
    return [f"{name} {i}" for i in range(count)]


def _cut_short(view: View) -> Iterator[Finding]:
    """Look for texts that fill their whole length: most of them went on."""
    specs = list(view.data.input_spec.values())
    if not view.kind.vocabulary or len(specs) != 1 or not specs[0].dtype.is_integer:
        return
    if view.data.task == "language_model":
        return  # whose windows are full on purpose
    length = specs[0].shape[0]
    if length is None:
        return
    ids = np.concatenate([x[0] for x, _ in view.batches["train"]])
    full = np.mean(ids[:, -1] != 0)  # 0 pads
    detail = f"{full:.0%} of the texts fill all {length} places"
    if full > 0.2:
        yield Finding("warning", "texts cut short", detail, "give a greater length")
    else:
        yield Finding("ok", "texts cut short", detail)
