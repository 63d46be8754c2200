"""Pictures of texts show their words and labels."""

import pytest

import dlkit as dk


def texts_of(figure):
    return [
        (axis.get_title(), axis.texts[0].get_text() if axis.texts else None) for axis in figure.axes
    ]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "a.csv"
    rows = [f"costs ${i} {'great ' * 60 if i % 2 else 'poor'},{i % 2}\n" for i in range(40)]
    path.write_text("text,label\n" + "".join(rows))
    return path


def test_tokens_read_as_text(table, tmp_path):
    data = dk.data.from_text_table(
        table, "text", label_column="label", batch_size=8, augment={"drop_words": 0.9}
    )
    shown = texts_of(data.show(tmp_path / "texts.png", count=6))
    assert (tmp_path / "texts.png").stat().st_size > 3000
    x, y = next(iter(data.origin.feed.batches(data.origin.split.train, train=True)))
    assert [title for title, _ in shown] == [str(int(label)) for label in y[:6]]
    for title, text in shown:
        assert text.startswith("costs")
        assert ("poor" in text) == (title == "0")
        assert (text.count("\n") == 8 and text.endswith("...")) == (title == "1")
    both = texts_of(data.show(count=2, augmented=True))
    assert [title for title, _ in both][1::2] == ["augmented"] * 2
    assert len(both[1][1]) < len(both[0][1])
    assert x.shape[0] == 8


def test_vectors_show_their_largest_words(table):
    data = dk.data.from_text_table(
        table, "text", label_column="label", batch_size=8, encoding="count"
    )
    for axis in data.show(count=4).axes:
        words = [label.get_text() for label in axis.get_yticklabels()]
        longest = max(bar.get_width() for bar in axis.patches)
        assert (words[-1], longest) == (
            ("great", 60) if axis.get_title() == "1" else (words[-1], 1)
        )
        assert "costs" in words
