"""`Data.cache_to`: prepared examples on the disk, so that they are prepared once for all trainings.

    fingerprint -> fits what is there? read it : write train/val/test into TFRecord shards, in a
        folder beside that becomes the cache once it is whole
    each epoch: shards in a new order -> several read in turn -> shuffled -> batches -> augmented

Where raw inputs are augmented (as sound is), they are cached raw, and prepared in each epoch.
`cache.json` says what the cache was made of and how large each shard is. It is written last.
Training examples lie in a shuffled order, so that a part of them at a time shuffles well enough.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import os
import pathlib
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from dlkit.data.changes import cache_fingerprint
from dlkit.data.core.example_codec import Layout
from dlkit.data.core.pipeline import Feed, ordered_rows
from dlkit.data.core.progress import progress
from dlkit.data.core.record import Split
from dlkit.data.core.stored import IN_TURN, Stored
from dlkit.data.files.file_reader import naming_the_file
from dlkit.errors import InputError

if TYPE_CHECKING:
    from dlkit.data.core.record import AnyRecord

MANIFEST = "cache.json"
_FORMAT = "dlkit cache 1"
_SPLITS = ("train", "val", "test")
_SHARD = 64 << 20  # bytes of examples a shard, about


def cache_to(
    data: AnyRecord, folder: str | os.PathLike[str], *, overwrite: bool = False
) -> AnyRecord:
    """Return `data` with its pipelines read from a cache in `folder`; see `Data.cache_to`."""
    if data.origin is None:
        raise InputError(
            f"'{data.name}' does not say which examples it is made of (its origin is None), so"
            " that it cannot be cached."
        )
    folder = pathlib.Path(folder)
    feed, split = data.origin.feed, data.origin.split
    with naming_the_file():
        mark = cache_fingerprint.fingerprint_examples(data.origin)
        refusal = _refusal(folder, data.name, mark)
        if refusal and not (overwrite and (folder / MANIFEST).is_file()):
            raise InputError(refusal)
        if refusal or not (folder / MANIFEST).is_file():
            _write(folder, data.name, mark, feed, split)
    stored = _open(folder, feed, split)
    return dataclasses.replace(
        data,
        train=stored.pipeline("train"),
        val=stored.pipeline("val"),
        test=stored.pipeline("test"),
        origin=dataclasses.replace(data.origin, stored=stored),
    )


def _open(folder: pathlib.Path, feed: Feed, split: Split) -> Stored:
    """Return the cache in `folder`, which is whole."""
    layouts = dict.fromkeys(_SPLITS, Layout(_plain(feed, split.train, None).element_spec))
    if split.weights is not None:
        layouts["train"] = Layout(_plain(feed, split.train, split.weights).element_spec)
    return Stored(folder.absolute(), _manifest(folder)["splits"], feed, layouts)


def _refusal(folder: pathlib.Path, name: str, mark: str) -> str:
    """Return why what lies in `folder` cannot be used, or an empty string."""
    if not folder.exists():
        return ""
    if not folder.is_dir():
        return f"The cache of '{name}' needs a folder; {folder} is a file. Give another path."
    if not (folder / MANIFEST).is_file():
        first = next(iter(sorted(folder.iterdir())), None)
        if first is None:
            return ""
        return (
            f"{folder} holds '{first.name}', which is no cache of dlkit; give a new or an empty"
            f" folder for the cache of '{name}'."
        )
    try:
        manifest = _manifest(folder)
        told = _damage(folder, manifest)
    except (ValueError, KeyError, TypeError, AttributeError):
        told = f"{MANIFEST} cannot be read"
    if told:
        return f"The cache in {folder} is not whole ({told}); overwrite=True writes it anew."
    if manifest["fingerprint"] != mark:
        return (
            f"{folder} holds the cache of '{manifest['name']}' made of other examples, splits or"
            f" preparation than '{name}' has now; give another folder, or overwrite=True to write"
            " it anew."
        )
    return ""


def _manifest(folder: pathlib.Path) -> dict[str, Any]:
    return json.loads((folder / MANIFEST).read_text())


def _damage(folder: pathlib.Path, manifest: dict[str, Any]) -> str:
    """Return what is missing of a cache. What is changed within a shard fails TFRecord's CRC."""
    if manifest["format"] != _FORMAT:
        return f"its format is {manifest['format']!r}, expected {_FORMAT!r}"
    for name in _SPLITS:
        for shard in manifest["splits"][name]:
            path = folder / shard["file"]
            size = path.stat().st_size if path.is_file() else 0
            if size != shard["bytes"]:
                return f"{path.name} has {size} bytes, expected {shard['bytes']}"
    return ""


def _plain(feed: Feed, rows: np.ndarray, weights: np.ndarray | None) -> tf.data.Dataset:
    """Return batches of `rows` in their order, as they are cached."""
    if feed.augment_raw is not None:
        feed = dataclasses.replace(feed, preprocessing=None)
    numbered = feed.source.batches(lambda: ordered_rows(rows, 0, train=False), feed.batch_size)
    return feed.prepared(numbered, weights)


def _write(folder: pathlib.Path, name: str, mark: str, feed: Feed, split: Split) -> None:
    """Write a cache beside `folder`, and put it there once it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    rows = {
        # Once and for all, so that neighbours in a shard have nothing in common.
        "train": np.random.default_rng(feed.seed).permutation(split.train),
        "val": split.val,
        "test": split.test,
    }
    with (
        tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch,
        progress(f"caching {name}", sum(map(len, rows.values()))) as advance,
    ):
        whole = pathlib.Path(scratch, "whole")
        whole.mkdir()
        done, splits = 0, {}
        for part, chosen in rows.items():
            weights = split.weights if part == "train" else None
            splits[part] = _write_split(whole, part, feed, chosen, weights, advance, done)
            done += len(chosen)
        manifest = {"format": _FORMAT, "name": name, "fingerprint": mark, "splits": splits}
        (whole / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
        if folder.is_dir() and any(folder.iterdir()):
            folder.rename(pathlib.Path(scratch, "before"))
        whole.replace(folder)


def _write_split(
    folder: pathlib.Path,
    part: str,
    feed: Feed,
    rows: np.ndarray,
    weights: np.ndarray | None,
    advance: Callable[[int], None],
    done: int,
) -> list[dict[str, Any]]:
    """Write the prepared examples of `rows`, after `done` others, as shards; return their facts."""
    if not len(rows):
        return []
    batches = _plain(feed, rows, weights)
    layout, shards = Layout(batches.element_spec), []
    encoded = (one for batch in batches.as_numpy_iterator() for one in layout.encode(batch))
    first = next(encoded)
    examples = itertools.chain([first], encoded)
    room = _room(len(rows), len(first), least=IN_TURN if part == "train" else 1)
    for index, start in enumerate(range(0, len(rows), room)):
        path = folder / f"{part}-{index:05d}.tfrecord"
        count = min(room, len(rows) - start)
        with tf.io.TFRecordWriter(str(path)) as writer:
            for example in itertools.islice(examples, count):
                writer.write(example)
        shards.append({"file": path.name, "examples": count, "bytes": path.stat().st_size})
        advance(done + start + count)
    return shards


def _room(count: int, size: int, *, least: int) -> int:
    """Return the examples a shard, for `count` of about `size` bytes in at least `least` shards."""
    shards = max(math.ceil(count * size / _SHARD), min(least, count))
    return math.ceil(count / shards)
