"""Ask a signature of an export through TensorFlow's C++ loader."""

from dlkit.export.parity.cpp_loader import load_session
from tests.export.signature_def import signature_of


def answer(version, key="serving_default", **inputs):
    """Return output name -> array."""
    signature = signature_of(version, key)
    feeds = {signature.inputs[name].name: value for name, value in inputs.items()}
    with load_session(version) as session:
        values = session.run(feeds, [info.name for info in signature.outputs.values()])
    return dict(zip(signature.outputs, values, strict=True))
