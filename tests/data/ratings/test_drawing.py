"""The picture of ratings, beside their counts."""

import numpy as np

import dlkit as dk
from dlkit.data.ratings import drawing
from tests.data.ratings.test_from_ratings import COLUMNS, table


def test_the_summary_counts_and_the_picture_shows_them(capsys, tmp_path):
    data = dk.data.from_ratings(table(), **COLUMNS)
    data.summary()
    assert "column         user: id, 1 to 8, 0 for others" in capsys.readouterr().out
    figure = drawing.draw_figure(data, 25)
    stars = data.origin.targets.values[data.origin.split.train]
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    np.testing.assert_array_equal(heights, np.unique(stars, return_counts=True)[1])
    assert sum(bar.get_height() for bar in figure.axes[1].patches) == 8
    assert figure.axes[2].get_title() == "ratings of each item (15 items)"
    data.show(tmp_path / "ratings.png")
    assert (tmp_path / "ratings.png").stat().st_size > 5000
