"""The picture of sentences and their translations."""

import dataclasses

import matplotlib.figure
import numpy as np

from dlkit.data.pairs import drawing
from tests.data.pairs.test_from_text_pairs import ENGLISH, FRENCH, small


def test_the_summary_and_the_picture_show_sentences(capsys, tmp_path):
    data = small()
    data.summary()
    assert "column         source: text, vocabulary of 12, 0 of" in capsys.readouterr().out
    figure = data.show(tmp_path / "pairs.png", count=4)
    pairs = dict(zip(ENGLISH, FRENCH, strict=True))
    known = {(one.lower(), other.lower()) for one, other in pairs.items()}
    for axis in figure.axes:
        one, other = (text.get_text() for text in axis.texts)
        assert (one, other) in known


def test_dollars_are_written_as_they_are():
    data = small()
    axis = matplotlib.figure.Figure().subplots()
    words = {
        key: ("[pad]", "[UNK]", "[start]", "[end]", "$5", "$6") for key in ("source", "target")
    }
    ids = np.array([4, 5])
    drawing.draw_example(axis, {"source": ids}, ids, dataclasses.replace(data, vocabularies=words))
    assert [text.get_text() for text in axis.texts] == [r"\$5 \$6"] * 2
