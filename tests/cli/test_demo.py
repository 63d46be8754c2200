"""`dlkit demo`: the whole way from data to an answer over REST, as a newcomer starts it."""

import contextlib
import re

import numpy as np
import psutil
import pytest
from matplotlib.image import imread

import dlkit as dk
from dlkit.cli import demo
from dlkit.cli.job import Job
from dlkit.errors import DlkitError
from tests.cli import command_line


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """The folder, the output, the exit status and the server processes of one `dlkit demo`."""
    folder = tmp_path_factory.mktemp("demo")
    servers = {}
    with open(folder / "output", "w+") as output:
        process = command_line.start("demo", cwd=folder, stdout=output, stderr=output)
        watched = psutil.Process(process.pid)

        def ended():
            # A look at all processes takes long, and the server comes after the export.
            if "Exported as" in (folder / "output").read_text():
                servers.update({child.pid: child for child in listening(watched)})
            return process.poll() is not None

        command_line.wait_until(ended, process, "its end")
        output.seek(0)
        return folder, output.read(), process.returncode, list(servers.values())


def listening(process):
    """Return the processes below a process that take connections: the model servers."""
    found = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in process.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                states = {one.status for one in child.net_connections("tcp")}
                found += [child] if psutil.CONN_LISTEN in states else []
    return found


def test_it_ends_well_and_reaches_its_accuracy(shown):
    _, output, status, _ = shown
    assert status == 0, output
    (accuracy,) = re.findall(r"^Test accuracy: ([\d.]+)%$", output, re.MULTILINE)
    assert 98 <= float(accuracy) <= 100
    assert "Traceback" not in output
    # TensorFlow's own notes are not news.
    assert not re.search(r"oneDNN|cuda|rebuild TensorFlow|WARNING", output)


def test_it_shows_each_epoch(shown):
    _, output, _, _ = shown
    epochs = re.findall(r"^Epoch (\d+)/15$", output, re.MULTILINE)
    assert epochs == [str(number) for number in range(1, 16)]
    assert len(re.findall(r" - loss: [\d.]+ - val_accuracy: ", output)) == 15


def test_the_answer_over_rest_names_the_true_class(shown):
    _, output, _, _ = shown
    (answer,) = re.findall(r"A raw image over REST: predicted '(\d)' .*, true '(\d)'; ", output)
    assert answer[1] == str(dk.data.load("digits").examples[1][0])
    assert answer[0] == answer[1]


def test_the_accuracy_that_it_prints_is_the_models(shown):
    folder, output, _, _ = shown
    (run,) = (folder / "runs").iterdir()
    data = dk.data.load("digits")
    targets, probabilities = dk.evaluation.predict(dk.models.load(run / "best.keras"), data.test)
    accuracy = (probabilities.argmax(axis=1) == targets).mean()
    assert f"Test accuracy: {accuracy:.1%}\n" in output


def test_its_pictures_show_something(shown):
    folder, output, _, _ = shown
    (run,) = (folder / "runs").iterdir()
    for name in ("history.png", "predictions.png"):
        assert f"Picture: runs/{run.name}/{name}\n" in output
        picture = imread(run / name)[..., :3]
        assert min(picture.shape[:2]) > 300
        assert picture.std() > 0.05
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 50


def test_the_server_was_a_process_of_its_own_and_is_gone(shown):
    _, output, _, servers = shown
    assert len(servers) == 1
    assert not servers[0].is_running()
    assert re.search(r"^Serving at http://127\.0\.0\.1:\d+/v1/models/digits$", output, re.MULTILINE)
    assert "server stopped." in output


def test_the_command_it_proposes_names_what_can_be_served(shown):
    folder, output, _, _ = shown
    (proposed,) = re.findall(r"^Go on: dlkit serve (\S+)$", output, re.MULTILINE)
    assert (folder / proposed / "1" / "saved_model.pb").is_file()
    assert sum(path.is_file() for path in (folder / "runs").rglob("best.keras")) == 1


def test_an_accuracy_below_its_target_is_a_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "JOB", Job("perceptron", "digits", epochs=1, batch_size=128))
    with pytest.raises(DlkitError, match="expects a test accuracy of at least 98%"):
        demo.run_demo(tmp_path)


def test_a_wrong_answer_of_the_server_is_a_failure(monkeypatch, tmp_path):
    data = dk.data.load("iris")

    class Server:
        url = "http://127.0.0.1:1/v1/models/x"

        def __init__(self, base, rest_port):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

    class Client(Server):
        def __init__(self, url):
            pass

        def predict(self, inputs):
            return np.full((1, 3), 0.4)

    monkeypatch.setattr(dk.serving, "Server", Server)
    monkeypatch.setattr(dk.serving, "Client", Client)
    with pytest.raises(DlkitError, match=r"The server answers \[0\.4 0\.4 0\.4\] where the model"):
        demo.ask_server(tmp_path / "1", dk.models.build("perceptron", data), data)
