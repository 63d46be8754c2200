"""Checks of sentences and their translations: lengths, step, unknown tokens, known sources."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dlkit.data.checks.view import HELD, LEAST, View, spread_of_lengths
from dlkit.data.core.wording import Finding, share_of
from dlkit.data.pairs.layers import SPECIAL

_UNKNOWN_SHARE, _ALIKE = 0.1, 0.1
_UNKNOWN = SPECIAL.index("[UNK]")


def check_raw(view: View) -> Iterator[Finding]:
    """Look at training pairs, and at what held-out ones have that training lacks."""
    texts = view.raw["train"]
    letters = {key: np.array([len(text) for text in texts[key]]) for key in texts}
    for key, lengths in letters.items():
        yield spread_of_lengths(f"lengths of {key} texts", lengths, "letters")
    yield from _in_step(letters["source"], letters["target"])
    yield _unknown_tokens(view)
    yield from _known_sources(view)


def _in_step(source: np.ndarray, target: np.ndarray) -> Iterator[Finding]:
    """Long sentences have long translations, unless two files lost step."""
    if len(source) < LEAST or not source.std() or not target.std():
        return
    alike = np.corrcoef(source, target)[0, 1]
    detail = f"their lengths have a correlation of {alike:.2f}"
    if alike < _ALIKE:
        advice = "look whether line n of one file is the translation of line n of the other"
        yield Finding("warning", "sentences in step", detail, advice)
    else:
        yield Finding("ok", "sentences in step", detail)


def _unknown_tokens(view: View) -> Finding:
    split = next((name for name in HELD if name in view.batches), "train")
    found = {"source": [x[0] for x, _ in view.batches[split]]}
    found["target"] = [y[0] for _, y in view.batches[split]]
    shares = {}
    for key, batches in found.items():
        ids = np.concatenate([ids.ravel() for ids in batches])
        words = (ids == _UNKNOWN) | (ids >= len(SPECIAL))
        shares[key] = (ids == _UNKNOWN).sum() / max(words.sum(), 1)
    told = ", ".join(f"{value:.1%} of the {key}" for key, value in shares.items())
    detail = f"{told} in the first {split} pairs"
    if max(shares.values()) > _UNKNOWN_SHARE:
        advice = "more pairs, a smaller min_count, a larger vocabulary_size or tokens='character'"
        return Finding("note", "unknown tokens", detail, advice)
    return Finding("ok", "unknown tokens", detail)


def _known_sources(view: View) -> Iterator[Finding]:
    """Equal pairs are found anyway; here the source is the same, and the translation another."""
    origin = view.origin
    groups = origin.split.groups
    if groups is None:
        return
    trained = np.unique(groups[origin.split.train])
    found = []
    for name in ("val", "test"):
        rows = getattr(origin.split, name)
        known = int(np.isin(groups[rows], trained).sum())
        if known:
            found.append(f"{share_of(known, len(rows))} {name} pairs")
    if found:
        detail = f"the source of {' and '.join(found)} is in training, whatever its translation"
        advice = "leave these sentences out of training, or let dlkit cut off the splits"
        yield Finding("warning", "source in two splits", detail, advice)
    else:
        yield Finding("ok", "source in two splits", "none")
