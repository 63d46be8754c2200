"""`Data.check` of pairs, ratings and graphs: each fault planted, and clean data stays clean."""

import networkx
import numpy as np
import pytest

import dlkit as dk


def found(data):
    findings = data.check(show=False)
    by_name = {finding.what: finding for finding in findings}
    assert len(by_name) == len(findings) > 3
    for finding in findings:
        assert (finding.level != "ok") <= bool(finding.advice)
    return by_name


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


def ratings(count=300):
    random = np.random.default_rng(0)
    pairs = random.permutation(40 * 40)[:count]
    return {"who": pairs // 40, "film": pairs % 40, "stars": random.integers(1, 6, count)}


def of_ratings(table, **options):
    columns = {"user": "who", "item": "film", "rating": "stars"}
    return dk.data.from_ratings(table, **columns, batch_size=16, **options)


def test_new_and_repeated_raters_are_told():
    table = ratings()
    clean = found(of_ratings(table))
    assert (
        clean["rated again"].level == clean["new users"].level == clean["new items"].level == "ok"
    )
    times = np.arange(300)
    table["who"][240:] = np.where(times[240:] < 270, 99, table["who"][0])
    table["film"][299], table["who"][299] = table["film"][0], table["who"][0]
    by_name = found(of_ratings({**table, "when": times}, split="time", time="when"))
    assert by_name["new users"].detail == "30 of 60 (50%) test ratings are of users training lacks"
    assert by_name["new users"].level == "note" and "a new user" in by_name["new users"].advice
    again = by_name["rated again"]
    pairs = list(zip(table["who"].tolist(), table["film"].tolist(), strict=True))
    known = sum(pair in set(pairs[:216]) for pair in pairs[216:])
    assert known >= 1 and again.level == "warning"
    assert again.detail.startswith(f"{known} of 84 ")


def test_validation_stands_in_for_a_test_split_that_is_not_there():
    data = of_ratings(ratings())
    split = data.origin.split
    without = data.origin.remake(type(split)(split.train, split.val, split.test[:0]))
    assert "val ratings" in found(without)["new users"].detail
    neither = data.origin.remake(type(split)(split.train, split.val[:0], split.test[:0]))
    assert "new users" not in found(neither)


def test_neighbours_of_one_class_are_counted_as_networkx_does():
    """Modularity's first term is the share of edges within a class."""
    graph = networkx.stochastic_block_model([60, 60], [[0.2, 0.02], [0.02, 0.2]], seed=1)
    classes = np.repeat([0, 1], 60)
    data = dk.data.from_graph(np.eye(121), list(graph.edges), [*classes, None], batch_size=8)
    by_name = found(data)
    part = graph.subgraph(data.origin.split.kept.tolist())
    same = np.mean([classes[one] == classes[other] for one, other in part.edges])
    told = by_name["neighbours alike"]
    assert told.level == "ok" and told.detail.startswith(f"{same:.0%} of {len(part.edges)} edges")
    assert by_name["nodes alone"].level == "note"
    assert by_name["nodes alone"].detail == "1 of 121 (0.8%) have no neighbour"
    mixed = np.arange(120) % 2
    data = dk.data.from_graph(np.eye(121), list(graph.edges), [*mixed, None], batch_size=8)
    told = found(data)["neighbours alike"]
    assert told.level == "warning" and "propagate=0" in told.advice


def test_cora_is_clean(shared_data):
    assert {finding.level for finding in dk.data.load("cora").check(show=False)} == {"ok"}
