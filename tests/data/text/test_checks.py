"""What is said of texts, on a view that holds some."""

import numpy as np

from dlkit.data.text.checks import check_raw
from tests.data.findings import raw_view


def test_lengths_of_texts_are_told_and_empty_ones_counted():
    texts = np.array(["a b c", "", "d " * 200, "e f"] * 5, object)
    view = raw_view(texts)
    by_name = {finding.what: finding for finding in check_raw(view)}
    assert by_name["lengths of texts"].detail == "0 to 200 words, half of them up to 2.5"
    assert by_name["lengths of texts"].level == "note"
    assert by_name["empty texts"].detail == "5 of 20 (25%)"
