"""What an export tells the server of itself."""

import json

from dlkit.export.to_saved_model.twins import FILE


def rowwise(version):
    """Return runtime -> the signatures that it answers row by row."""
    return json.loads((version / "assets.extra" / FILE).read_text())["rowwise"]
