"""The named sets of texts: which files hold them, and how they are laid out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from dlkit.argument_validation import check_options
from dlkit.data.catalogue import cache
from dlkit.data.data import Data
from dlkit.data.files.plain_text import read_text
from dlkit.data.text import files, from_texts, language_model

AG_NEWS_CLASSES = ("World", "Sports", "Business", "Sci/Tech")


def _sms_spam(**options: Any) -> Data:
    return from_texts.from_text_table(
        cache.find_published("text/smsspamcollection/SMSSpamCollection"),
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
        path = cache.find_published(f"text/rt-polaritydata/rt-polarity.{ending}")
        lines = read_text(path).split("\n")[:-1]
        sentences += lines
        labels += [label] * len(lines)
        where += [f"Line {number} of {path}" for number in range(1, len(lines) + 1)]
    found = files.Texts(np.array(sentences, object), np.array(labels), where)
    return from_texts.from_texts(found, **options)


def _ag_news(**options: Any) -> Data:
    layout = files.Layout(
        ("title", "description"), "label", ("label", "title", "description"), ",", True
    )
    found = layout.read(cache.find_published("text/ag_news_csv/test.csv"), None)
    found = dataclasses.replace(found, labels=found.labels - 1)  # published as 1 to 4
    return from_texts.from_texts(found, class_names=AG_NEWS_CLASSES, **options)


def _imdb_small(**options: Any) -> Data:
    folder = cache.unpack_published("text/aclImdb_small.tar.gz") / "aclImdb"
    return from_texts.from_text_folder(folder / "train", test=folder / "test", **options)


def _tiny_shakespeare(**options: Any) -> Data:
    path = cache.find_published("text/tinyshakespeare/input.txt")
    return language_model.from_text_file(path, **({"window": 128} | options))


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
        check_options(name, options, language_model.from_text_file)
    else:
        check_options(name, options, from_texts.from_text_folder, fixed=("test",))
    return SETS[name](name=name, **options)
