"""`Data.check` of pairs: each fault planted, and clean pairs stay clean."""

import numpy as np
import pytest

import dlkit as dk
from tests.data.findings import found


@pytest.fixture(scope="module")
def captions(shared_data):
    """The first English and German captions of Multi30K."""
    data = dk.data.load("multi30k", languages=("en", "de"))
    return data.origin.raw(np.arange(600))


def of_pairs(source, target, **options):
    return dk.data.from_text_pairs(source, target, min_count=1, batch_size=16, **options)


def test_captions_and_their_translations_are_in_step(captions):
    source, target = captions["source"].tolist(), captions["target"].tolist()
    data = of_pairs(source, target)
    by_name = found(data)
    assert by_name["sentences in step"].level == "ok"
    assert by_name["source in two splits"].detail == "none"
    longest = max(map(len, data.origin.raw(data.origin.split.train)["source"]))
    assert f"to {longest} letters" in by_name["lengths of source texts"].detail
    shifted = found(of_pairs(source[:-1], target[1:]))["sentences in step"]
    assert shifted.level == "warning" and "line n of one file" in shifted.advice


def test_unknown_tokens_are_counted(captions):
    source, target = captions["source"].tolist(), captions["target"].tolist()
    strange = ["Qwx zzy."], ["Ein Hund."]
    told = found(of_pairs(source, target, test=strange))["unknown tokens"]
    assert told.level == "note"
    assert told.detail == "66.7% of the source, 0.0% of the target in the first test pairs"


def test_a_source_with_another_translation_in_training_is_told(captions):
    source, target = captions["source"].tolist(), captions["target"].tolist()
    test = [*source[:2], "A new one."], target[5:8]
    by_name = found(of_pairs(source, target, test=test, val_fraction=0))
    told = by_name["source in two splits"]
    assert told.level == "warning" and "the source of 2 of 3 (67%) test pairs" in told.detail
    assert by_name["same in two splits"].detail == "none"  # the translations differ
