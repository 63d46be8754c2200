"""The Matplotlib figure that drawings are made on; a notebook shows it as a picture."""

import io

from matplotlib import figure


class Figure(figure.Figure):
    """A figure that a notebook shows without `pyplot`, whose figures alone it knows.

    Example:
        >>> Figure(figsize=(2, 1))._repr_png_()[1:4]
        b'PNG'
    """

    def _repr_png_(self) -> bytes:
        """Return the picture for IPython."""
        picture = io.BytesIO()
        self.savefig(picture, format="png")
        return picture.getvalue()
