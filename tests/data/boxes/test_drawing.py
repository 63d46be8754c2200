"""Boxes as drawn: where they are, and whose they are."""

import numpy as np

import dlkit as dk
from dlkit.data.boxes import drawing
from dlkit.data.drawing import figures


def test_each_box_is_drawn_around_its_pixels_with_its_class():
    _, (axis,) = figures.grid(1)
    image = np.zeros((20, 40, 1), np.float32)
    image[5:10, 8:24] = 1
    edges = np.array([[0.2, 0.25, 0.6, 0.5], [0, 0, 1, 1], [0, 0, 0, 0]], np.float32)
    target = {"boxes": edges, "classes": np.array([2, 0, -1])}
    data = dk.data.Data("cells", "detection", None, None, None, {}, 3, ("red", "blue", "white"))
    drawing.draw_example(axis, image, target, data)
    assert axis.get_title() == "1 red, 1 white"
    first, second = axis.patches
    # Pixel 8 is drawn from 7.5 to 8.5.
    np.testing.assert_allclose((*first.get_xy(), first.get_width()), (7.5, 4.5, 16), atol=1e-5)
    np.testing.assert_allclose((*second.get_xy(), second.get_height()), (-0.5, -0.5, 20))
    assert [text.get_text() for text in axis.texts] == ["white", "red"]
    assert first.get_edgecolor() != second.get_edgecolor()


def test_no_box_is_nothing():
    _, (axis,) = figures.grid(1)
    target = {"boxes": np.zeros((2, 4)), "classes": np.array([-1, -1])}
    data = dk.data.Data("cells", "detection", None, None, None, {}, 1, ("red",))
    drawing.draw_example(axis, np.ones((4, 4, 3)), target, data)
    assert axis.get_title() == "nothing" and not axis.patches
