"""Checks of what belongs together: sentences and translations, users and items, nodes and edges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from dlkit.data.checks.findings import View
from dlkit.data.checks.raw_inputs import spread_of_lengths
from dlkit.data.core.precision import lossy
from dlkit.data.core.wording import Finding, listed, share_of
from dlkit.data.pairs.layers import SPECIAL

if TYPE_CHECKING:
    from dlkit.data.core.splits import Origin

_UNKNOWN_SHARE, _ALIKE, _NEW_SHARE = 0.1, 0.1, 0.1
_UNKNOWN = SPECIAL.index("[UNK]")
_HELD = ("test", "val")  # the first that has examples is looked at
_FEW = 100


def relations(view: View) -> Iterator[Finding]:
    """Look at pairs, ratings or a graph; at nothing where examples stand alone."""
    looks = {"pairs": _pairs, "ratings": _ratings, "graph": _graph}
    if view.data.kind in looks:
        yield from looks[view.data.kind](view)


# ------------------------------------------------------------------ pairs


def _pairs(view: View) -> Iterator[Finding]:
    texts = view.raw["train"]
    letters = {key: np.array([len(text) for text in texts[key]]) for key in texts}
    for key, lengths in letters.items():
        yield spread_of_lengths(f"lengths of {key} texts", lengths, "letters")
    yield from _in_step(letters["source"], letters["target"])
    yield _unknown_tokens(view)
    yield from _known_sources(view)


def _in_step(source: np.ndarray, target: np.ndarray) -> Iterator[Finding]:
    """Long sentences have long translations, unless two files lost step."""
    if len(source) < _FEW or not source.std() or not target.std():
        return
    alike = np.corrcoef(source, target)[0, 1]
    detail = f"their lengths have a correlation of {alike:.2f}"
    if alike < _ALIKE:
        advice = "look whether line n of one file is the translation of line n of the other"
        yield Finding("warning", "sentences in step", detail, advice)
    else:
        yield Finding("ok", "sentences in step", detail)


def _unknown_tokens(view: View) -> Finding:
    split = next((name for name in _HELD if name in view.batches), "train")
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
    origin = view.data.origin
    groups = origin.split.groups
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


# ------------------------------------------------------------------ ratings


def _ratings(view: View) -> Iterator[Finding]:
    origin = view.data.origin
    yield from _newcomers(origin)
    yield _rated_again(origin)


def _newcomers(origin: Origin) -> Iterator[Finding]:
    split = next((name for name in _HELD if len(getattr(origin.split, name))), None)
    if split is None:
        return
    trained, held = origin.raw(origin.split.train), origin.raw(getattr(origin.split, split))
    for role in ("user", "item"):
        new = int((~np.isin(held[role], np.unique(trained[role]))).sum())
        detail = f"{share_of(new, len(held[role]))} {split} ratings are of {role}s training lacks"
        if new > _NEW_SHARE * len(held[role]):
            advice = f"number 0 answers for them: a network knows nothing of a new {role}"
            yield Finding("note", f"new {role}s", detail, advice)
        else:
            yield Finding("ok", f"new {role}s", detail)


def _rated_again(origin: Origin) -> Finding:
    """Tell how many held-out ratings are of a user and an item that training has as well."""
    raw = origin.raw(np.arange(origin.count))
    users, items = (np.unique(raw[role], return_inverse=True)[1] for role in ("user", "item"))
    pairs = users.astype(np.int64) * (int(items.max()) + 1) + items
    trained = np.unique(pairs[origin.split.train])
    held = np.concatenate([origin.split.val, origin.split.test])
    known = int(np.isin(pairs[held], trained).sum())
    detail = (
        f"{share_of(known, len(held))} held-out ratings are of a pair that training has as well"
    )
    if known:
        advice = "keep one rating of each user and item: data.without_duplicates()"
        return Finding("warning", "rated again", detail, advice)
    return Finding("ok", "rated again", detail)


# ------------------------------------------------------------------ graphs


def _graph(view: View) -> Iterator[Finding]:
    graph = view.data.graph
    alone = int((graph.degrees == 0).sum())
    detail = f"{share_of(alone, len(graph.degrees))} have no neighbour"
    if alone:
        advice = "a graph network knows of them what they hold themselves, and no more"
        yield Finding("note", "nodes alone", detail, advice)
    else:
        yield Finding("ok", "nodes alone", detail)
    if places := lossy(graph.features):
        detail = f"float32 rounds away what nodes differ by: feature {listed([*map(str, places)])}"
        advice = "take their mean away first: a graph's features are not standardised"
        yield Finding("error", "large numbers", detail, advice)
    if view.data.task in ("binary", "multiclass"):
        yield from _homophily(view)


def _homophily(view: View) -> Iterator[Finding]:
    """Tell how often neighbours are of one class, among the nodes that are not for testing."""
    origin = view.data.origin
    known = np.zeros(origin.count, bool)
    known[origin.split.kept] = True
    one, other = view.data.graph.edges
    between = known[one] & known[other] & (one < other)
    if between.sum() < _FEW:
        return
    classes = origin.targets.values
    same = (classes[one] == classes[other])[between].mean()
    ends = np.concatenate([classes[one[between]], classes[other[between]]])
    chance = np.square(np.bincount(ends) / len(ends)).sum()
    count = f"{between.sum():,} edges between training and validation nodes"
    detail = f"{same:.0%} of {count} join one class, {chance:.0%} would by chance"
    if same < 1.2 * chance:
        advice = "averages over neighbours blur what nodes hold: compare with propagate=0"
        yield Finding("warning", "neighbours alike", detail, advice)
    else:
        yield Finding("ok", "neighbours alike", detail)
