import pathlib

from dlkit.serving.core.status import StatusError
from dlkit.serving.core.version import Version


def test_s1_s10_a_version_tells_its_state_as_tensorflow_serving_prints_it():
    version = Version(7, pathlib.Path("m/7"))
    assert version.state_json() == {
        "version": "7",
        "state": "START",
        "status": {"error_code": "OK", "error_message": ""},
    }
    version.state, version.error = "END", StatusError("DATA_LOSS", "broken")
    assert version.state_json()["status"] == {"error_code": "DATA_LOSS", "error_message": "broken"}
