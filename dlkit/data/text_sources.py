"""The named sets of texts: which files hold them, and how they are laid out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from dlkit.checks import check_options
from dlkit.data import published, text_files, text_windows, texts
from dlkit.data.record import Data

AG_NEWS_CLASSES = ("World", "Sports", "Business", "Sci/Tech")


def _sms_spam(**options: Any) -> Data:
    return texts.from_text_table(
        published.find("text/smsspamcollection/SMSSpamCollection"),
        "text",
        label_column="label",
        columns=("label", "text"),
        delimiter="\t",
        quoted=False,  # a message may begin with a quote
        **options,
    )


def _sentence_polarity(**options: Any) -> Data:
    sentences, labels, where = [], [], []
    for label, ending in (("negative", "neg"), ("positive", "pos")):
        path = published.find(f"text/rt-polaritydata/rt-polarity.{ending}")
        lines = text_files.read(path).split("\n")[:-1]
        sentences += lines
        labels += [label] * len(lines)
        where += [f"Line {number} of {path}" for number in range(1, len(lines) + 1)]
    found = text_files.Texts(np.array(sentences, object), np.array(labels), where)
    return texts.from_texts(found, **options)


def _ag_news(**options: Any) -> Data:
    layout = text_files.Layout(
        ("title", "description"), "label", ("label", "title", "description"), ",", True
    )
    found = layout.read(published.find("text/ag_news_csv/test.csv"), None)
    found = dataclasses.replace(found, labels=found.labels - 1)  # published as 1 to 4
    return texts.from_texts(found, class_names=AG_NEWS_CLASSES, **options)


def _imdb_small(**options: Any) -> Data:
    folder = published.unpacked("text/aclImdb_small.tar.gz") / "aclImdb"
    return texts.from_text_folder(folder / "train", test=folder / "test", **options)


def _tiny_shakespeare(**options: Any) -> Data:
    path = published.find("text/tinyshakespeare/input.txt")
    return text_windows.from_text_file(path, **({"window": 128} | options))


SETS: dict[str, Callable[..., Data]] = {
    "sms_spam": _sms_spam,
    "sentence_polarity": _sentence_polarity,
    "ag_news": _ag_news,
    "imdb_small": _imdb_small,
    "tiny_shakespeare": _tiny_shakespeare,
}


def load(name: str, **options: Any) -> Data:
    """Return the set `name`; `options` are what `from_text_folder` or `from_text_file` takes."""
    if name == "tiny_shakespeare":
        check_options(name, options, text_windows.from_text_file)
    else:
        check_options(name, options, texts.from_text_folder, fixed=("test",))
    return SETS[name](name=name, **options)
