"""The picture of a graph, beside what is counted in it."""

import numpy as np

import dlkit as dk
from dlkit.data.graph import drawing
from tests.data.graph.test_from_graph import ring


def test_the_picture_shows_a_neighbourhood_degrees_and_classes(shared_data, tmp_path):
    data = ring()
    rings = drawing.neighbourhood(data.graph, data.origin.split.train, 25)
    first = rings[0][0]
    assert set(rings[1]) == {(first - 1) % 40, (first + 1) % 40}
    assert set(rings[2]) == {(first - 2) % 40, (first + 2) % 40}
    few = drawing.neighbourhood(data.graph, data.origin.split.train, 4)
    assert sum(map(len, few)) == 4
    bars = data.show(count=25).axes[2].patches
    split, classes = data.origin.split, data.origin.targets.values
    parts = (split.train, split.val, split.test)
    widths = [bar.get_width() for bar in bars]
    assert widths == [count for rows in parts for count in np.bincount(classes[rows], minlength=2)]
    dk.data.load("cora", batch_size=140).show(tmp_path / "cora.png")
    assert (tmp_path / "cora.png").stat().st_size > 10_000
    numbers = ring(labels=np.linspace(0, 1, 40))
    assert numbers.task == "regression" and len(numbers.show().axes) == 3
