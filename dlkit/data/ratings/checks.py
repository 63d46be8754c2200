"""Checks of ratings: users and items that are new, and those rated again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from dlkit.data.checks.view import HELD, View
from dlkit.data.core.wording import Finding, share_of

if TYPE_CHECKING:
    from dlkit.data.core.record import Origin

_NEW_SHARE = 0.1


def check_raw(view: View) -> Iterator[Finding]:
    """Look at what training has of the users and items of held-out ratings."""
    origin = view.origin
    yield from _newcomers(origin)
    yield _rated_again(origin)


def _newcomers(origin: Origin) -> Iterator[Finding]:
    split = next((name for name in HELD if len(getattr(origin.split, name))), None)
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
