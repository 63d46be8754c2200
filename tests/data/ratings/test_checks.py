"""`Data.check` of ratings: new users and items, and those rated again."""

import numpy as np

import dlkit as dk
from tests.data.findings import found


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
