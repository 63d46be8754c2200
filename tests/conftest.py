"""What every test shares: a quiet TensorFlow and the folder of real data."""

import gc
import os
import pathlib

# Before TensorFlow is imported anywhere: its start-up notes are not news.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# A file that is not on this machine is missing, wherever the tests run.
os.environ.setdefault("DLKIT_OFFLINE", "1")
# MLflow tells its makers what is called, unless it is told not to.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# Networks of a few weights gain nothing by more threads, which spin while they wait.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

import pytest

from tests import warm_start


def pytest_configure():
    warm_start.install()


@pytest.fixture
def cold_start():
    """Let each Python process import what it runs, as outside of tests."""
    with warm_start.cold():
        yield


@pytest.fixture(scope="session")
def shared_data() -> pathlib.Path:
    """Return the folder named by DLKIT_DATA; set but missing fails, unset skips with the reason."""
    folder = os.environ.get("DLKIT_DATA")
    if folder is None:
        pytest.skip("needs the real data sets: set DLKIT_DATA to their folder")
    path = pathlib.Path(folder)
    if not path.is_dir():
        pytest.fail(f"DLKIT_DATA={folder} is not a folder")
    return path


@pytest.fixture(scope="session")
def wordnet() -> pathlib.Path:
    """Return the folder of WordNet's files; without them it skips, and fails in CI."""
    folder = pathlib.Path("/usr/share/wordnet")
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail("WordNet is missing: apt install wordnet-base")
        pytest.skip("needs WordNet's files: apt install wordnet-base")
    return folder


def pytest_collection_finish():
    """Let no garbage collection look at TensorFlow's modules, which are a million objects."""
    gc.freeze()
