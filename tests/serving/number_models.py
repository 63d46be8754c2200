"""Models that are a number in a file: the rules of loading without anything to load."""

from dlkit.serving.core.signatures import Signature
from dlkit.serving.core.status import StatusError


class Number:
    """A runtime that answers with the number in its saved_model.pb."""

    def __init__(self, path):
        self.signatures = {"serving_default": Signature({}, {})}
        text = (path / "saved_model.pb").read_text()
        if not text.isdigit():
            raise StatusError("DATA_LOSS", f"no number: {text}")
        self.number, self.closed = int(text), False

    def run(self, signature_name, inputs):
        assert not self.closed
        return self.number

    def close(self):
        self.closed = True


def publish(base, name, text=None):
    (base / name).mkdir(parents=True)
    (base / name / "saved_model.pb").write_text(name if text is None else text)


def remove(base, name):
    (base / name / "saved_model.pb").unlink()
    (base / name).rmdir()


def states(model):
    found = model.status_json()["model_version_status"]
    return {state["version"]: state["state"] for state in found}


def answer(model, number=None):
    with model.use(number) as version:
        return version.runtime.run("serving_default", {})
