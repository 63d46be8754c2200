"""Checks of the raw inputs: columns that say nothing, gaps, sizes of pictures, lengths of texts."""

from __future__ import annotations

import wave
from collections.abc import Iterator

import numpy as np

from dlkit.data.checks.findings import View
from dlkit.data.core.wording import Finding, listed, share_of
from dlkit.data.files.csv_tables import NA_VALUES
from dlkit.data.image.headers import is_deep, shape
from dlkit.data.series import checks

_FILES = 300  # files whose head is read


def raw(view: View) -> Iterator[Finding]:
    """Look at raw training inputs, as their kind asks for."""
    looks = {
        "features": _columns,
        "sequence": _columns,
        "image": _pictures,
        "boxes": _pictures,
        "audio": _recordings,
        "text": _texts,
        "series": _series,
    }
    if view.data.kind in looks:
        yield from looks[view.data.kind](view)


# ------------------------------------------------------------------ columns


def _columns(view: View) -> Iterator[Finding]:
    values = view.raw["train"]
    if not isinstance(values, dict):
        last = values.shape[-1]
        flat = values.reshape(-1, last)
        names = view.data.feature_names or ()
        names = names if len(names) == last else [f"feature {i}" for i in range(last)]
        values = {name: flat[:, i] for i, name in enumerate(names)}
    constant = [name for name, column in values.items() if _is_constant(column)]
    if constant:
        yield Finding(
            "warning",
            "constant columns",
            f"{listed(constant)}: one value in all training rows",
            "leave them out: nothing can be learned from them",
        )
    else:
        yield Finding("ok", "constant columns", f"none of {len(values)}")
    yield from _missing(values)
    yield from (column.finding for column in view.data.columns or () if column.finding)
    dropped = [c.name for c in view.data.columns or () if c.kind == "drop" and c.note != "as told"]
    if dropped:
        detail = f"{listed(dropped)}: every value differs, or all are missing"
        yield Finding("note", "dropped columns", detail, "give kinds={...} to use them")


def _is_constant(column: np.ndarray) -> bool:
    known = column[~_gaps(column)]
    return len(known) < 1 or bool((known == known[0]).all())


def _gaps(column: np.ndarray) -> np.ndarray:
    if column.dtype.kind == "f":
        return np.isnan(column)
    return np.isin(column.astype(str), list(NA_VALUES))


def _missing(values: dict[str, np.ndarray]) -> Iterator[Finding]:
    shares = {name: float(_gaps(column).mean()) for name, column in values.items()}
    gaps = sorted((name for name in shares if shares[name]), key=lambda name: -shares[name])
    told = [f"{name}: {shares[name]:.1%}" for name in gaps]
    if not gaps:
        yield Finding("ok", "missing values", "none")
    elif shares[gaps[0]] > 0.5:
        advice = "leave out what is mostly missing, as kinds={'...': 'drop'}"
        yield Finding("warning", "missing values", listed(told), advice)
    else:
        yield Finding("note", "missing values", listed(told), "filled, with a column that says so")


def _series(view: View) -> Iterator[Finding]:
    yield from _columns(view)
    yield from checks.look(view)


# ------------------------------------------------------------------ pictures


def _pictures(view: View) -> Iterator[Finding]:
    images = view.raw["train"]
    if isinstance(images, np.ndarray) and images.dtype.kind in "uif":
        channels = images.shape[-1] if images.ndim == 4 else 1
        flat = images.reshape(len(images), -1, channels)
        blank = view.rows("train")[(flat.min(axis=1) == flat.max(axis=1)).all(axis=1)]
        detail = f"{share_of(len(blank), len(images))} are of one colour"
        if len(blank):
            rows = ", ".join(map(str, blank[:5]))
            yield Finding("warning", "blank pictures", f"{detail}: rows {rows}", "look at them")
        else:
            yield Finding("ok", "blank pictures", detail)
    if view.data.origin.paths is not None:
        yield from _picture_sizes(view)


def _picture_sizes(view: View) -> Iterator[Finding]:
    paths = view.data.origin.paths[view.rows("train")][:_FILES]
    shapes = np.array([found for found in map(shape, paths) if found])
    if not len(shapes):
        return
    yield from _colours(shapes[:, 2])
    yield from _depths(np.array([is_deep(path) for path in paths]))
    (low, high), sides = np.quantile(shapes, (0, 1), axis=0).astype(int), shapes[:, :2]
    detail = f"{low[0]}x{low[1]} to {high[0]}x{high[1]} (height x width) in {len(shapes):,} files"
    ratio = np.quantile(sides[:, 1] / sides[:, 0], (0.05, 0.95))
    wanted = _wanted_size(view)
    small = np.mean((sides < wanted).any(axis=1)) if wanted else 0.0
    if small > 0.5:
        size = f"{wanted[0]}x{wanted[1]}"
        detail = f"{small:.0%} are smaller than the {size} they are resized to; {detail}"
        yield Finding("warning", "picture sizes", detail, "give a smaller image_size")
    elif ratio[1] > 2 * ratio[0]:
        detail = f"{detail}; widths are {ratio[0]:.2g} to {ratio[1]:.2g} times heights"
        advice = "resizing squeezes them: crop them alike if shapes matter"
        yield Finding("note", "picture sizes", detail, advice)
    else:
        yield Finding("ok", "picture sizes", detail)


def _colours(channels: np.ndarray) -> Iterator[Finding]:
    grey = int((channels == 1).sum())
    if 0 < grey < len(channels):
        detail = f"{share_of(grey, len(channels))} files are grey, the others in colour"
        advice = "look whether one class has most of them: it would be told by that"
        yield Finding("note", "picture colours", detail, advice)


def _depths(deep: np.ndarray) -> Iterator[Finding]:
    if 0 < deep.sum() < len(deep):
        detail = f"{share_of(int(deep.sum()), len(deep))} files have 16 bits a pixel, the others 8"
        advice = "255 of 8 bits is read as 65,535: look whether that is as bright in the others"
        yield Finding("note", "picture depths", detail, advice)


def _wanted_size(view: View) -> tuple[int, int] | None:
    shape = next(iter(view.data.input_spec.values())).shape
    known = len(shape) == 3 and None not in tuple(shape[:2])
    return (shape[0], shape[1]) if known else None


# ------------------------------------------------------------------ sounds and texts


def _recordings(view: View) -> Iterator[Finding]:
    if view.data.origin.paths is None:
        return
    lengths = []
    for path in view.data.origin.paths[view.rows("train")][:_FILES]:
        try:
            with wave.open(str(path)) as file:
                lengths.append(file.getnframes() / file.getframerate())
        except (wave.Error, EOFError):
            continue  # floats, which the reader takes and this module does not
    if lengths:
        yield spread_of_lengths("lengths of sounds", np.array(lengths), "s")


def _texts(view: View) -> Iterator[Finding]:
    words = np.array([len(_text(text).split()) for text in view.raw["train"]])
    yield spread_of_lengths("lengths of texts", words, "words")
    empty = int((words == 0).sum())
    if empty:
        detail = share_of(empty, len(words))
        yield Finding("warning", "empty texts", detail, "leave them out")


def spread_of_lengths(what: str, lengths: np.ndarray, unit: str) -> Finding:
    """Tell how long examples are, and whether a few are far longer than most."""
    low, middle, high = np.quantile(lengths, (0, 0.5, 1))
    detail = f"{low:.3g} to {high:.3g} {unit}, half of them up to {middle:.3g}"
    if high > 20 * max(middle, 1e-9):
        advice = "a few are very long: choose the length by what most have"
        return Finding("note", what, detail, advice)
    return Finding("ok", what, detail)


def _text(value: bytes | str) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
