"""A figure as a notebook asks for it."""

import io

import numpy as np
from PIL import Image

import dlkit as dk


def test_a_notebook_shows_every_drawing_as_a_picture():
    """Without pyplot IPython knows no figures: it asks the object, and else writes its `repr`."""
    data = dk.data.load("digits")
    for figure in (
        data.show(count=4),
        data.show_classes(),
        dk.data.load("cora").show(),
        dk.evaluation.plot_history({"loss": [1.0, 0.5]}),
    ):
        picture = np.asarray(Image.open(io.BytesIO(figure._repr_png_())).convert("L"))
        width, height = figure.get_size_inches() * figure.dpi
        assert picture.shape == (round(height), round(width))
        assert picture.std() > 10
