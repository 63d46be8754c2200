"""The request log: sampled, rotated, and of features alone."""

import functools
import io
import json
import subprocess
import sys
import threading
import types

import numpy as np
import pytest

from dlkit.errors import InputError
from dlkit.serving import Client
from dlkit.serving.core.settings import Settings
from dlkit.serving.observability import request_log
from dlkit.serving.observability.request_log import Logged, RequestLog


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_tells_features_and_no_inputs(tmp_path):
    log = RequestLog(tmp_path / "log")
    image = np.arange(2 * 10 * 10.0).reshape(2, 10, 10)
    log.record("m", 4, "labels", {"image": image}, {"scores": np.array([[0.25, 0.75]] * 2)}, 0.0125)
    log.close()
    (entry,) = lines(tmp_path / "log")
    assert (entry["model"], entry["version"], entry["signature"]) == ("m", 4, "labels")
    assert entry["milliseconds"] == 12.5
    assert entry["features"]["image mean"] == [49.5, 149.5]
    assert entry["features"]["scores class"] == ["1", "1"]
    assert len((tmp_path / "log").read_text()) < 500


def test_the_share_is_kept_to_and_a_seed_repeats_it(tmp_path):
    counts = []
    for name in "ab":
        log = RequestLog(tmp_path / name, share=0.25, seed=7)
        for number in range(400):
            log.record("m", 1, "s", {"x": np.array([number])}, {}, 0.0)
        log.close()
        counts.append([entry["features"]["x"] for entry in lines(tmp_path / name)])
    assert counts[0] == counts[1]
    assert 70 < len(counts[0]) < 130


def test_it_is_rotated_and_never_larger_than_its_parts(tmp_path):
    log = RequestLog(tmp_path / "log", max_bytes=1000, parts=2)
    for number in range(100):
        log.record("m", 1, "s", {"x": np.array([number])}, {}, 0.0)
    log.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "log.1", "log.2"]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    assert lines(tmp_path / "log")[-1]["features"]["x"] == [99.0]


def test_many_threads_write_whole_lines(tmp_path):
    log = RequestLog(tmp_path / "log")

    def write():
        for _ in range(50):
            log.record("m", 1, "s", {"x": np.arange(30.0)[:, None]}, {}, 0.0)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert len(lines(tmp_path / "log")) == 400


def test_nan_is_null_and_scalars_are_left_out(tmp_path):
    log = RequestLog(tmp_path / "log")
    log.record("m", 1, "s", {"x": np.array([1, np.nan]), "rate": np.float32(2)}, {}, 0.0)
    log.close()
    assert lines(tmp_path / "log")[0]["features"] == {"x": [1.0, None]}


def test_a_share_out_of_range_and_a_path_that_cannot_be_written_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"request_log_share must be above 0 .*_share=1.5"):
        Settings.of("serve", {"request_log_share": 1.5})
    with pytest.raises(InputError, match=r"request log .*missing/log cannot be written"):
        RequestLog(tmp_path / "missing" / "log")


def test_an_empty_batch_is_logged_as_one(tmp_path):
    log = RequestLog(tmp_path / "log")
    log.record("m", 1, "s", {"age": np.zeros(0)}, {"scores": np.zeros((0, 3), np.float32)}, 0.0)
    log.close()
    assert lines(tmp_path / "log")[0]["features"]["age"] == []


def test_what_does_not_fit_leaves_no_half_a_line(tmp_path):
    """As on a disk that has room for some bytes of it."""

    class Full(io.FileIO):
        def write(self, content):
            return super().write(content[:10])

    path = tmp_path / "log"
    log = RequestLog(path)
    log.record("m", 1, "s", {"x": np.ones(1)}, {}, 0.0)
    before = path.read_bytes()
    log._file.close()
    log._file = Full(path, "ab")
    with pytest.raises(OSError, match=r"No space left on device: '.*log'"):
        log.record("m", 1, "s", {"x": np.ones(1)}, {}, 0.0)
    log.close()
    assert path.read_bytes() == before


def test_a_part_that_cannot_be_begun_costs_no_other(tmp_path, monkeypatch):
    """As where no more files may be open: the parts move once, not at each request."""
    path = tmp_path / "log"
    log = RequestLog(path, max_bytes=200, parts=2)
    write = functools.partial(log.record, "m", 1, "s", {"x": np.ones(1)}, {}, 0.0)
    write()
    with monkeypatch.context() as patch:
        patch.setattr(log, "_open", None)
        for _ in range(3):
            with pytest.raises(TypeError):
                write()
    assert [part.name for part in tmp_path.iterdir()] == ["log.1"]
    write()
    log.close()
    assert len(lines(path)) == len(lines(tmp_path / "log.1")) == 1


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("odd")])
def test_what_cannot_be_logged_is_said_once_a_minute(caplog, monkeypatch, error):
    def record(*told):
        raise error

    times = [1000.0, 1000.0, 1001.0, 1059.0, 1061.0, 1061.0, 1062.0]
    clock = types.SimpleNamespace(monotonic=lambda: times.pop(0), perf_counter=lambda: 0.0)
    monkeypatch.setattr(request_log, "time", clock)
    runtime = types.SimpleNamespace(signatures={}, run=lambda name, inputs: inputs)
    logged = Logged(runtime, types.SimpleNamespace(record=record), "m", 1)
    while times:
        assert logged.run("s", {}) == {}
    counts = [record.args[2] for record in caplog.records]
    assert counts == [1, 4]
    assert all(bool(r.exc_info) == isinstance(error, ValueError) for r in caplog.records)


def test_a_server_whose_disk_is_full_answers_and_says_so_once(half_plus_two, tmp_path):
    command = [sys.executable, "-m", "dlkit.serving", str(half_plus_two), "--rest-port=0"]
    with (tmp_path / "told").open("wb") as told:
        process = subprocess.Popen(
            [*command, "--request-log=/dev/full"], stdout=subprocess.PIPE, stderr=told, text=True
        )
    with process:
        try:
            with Client(process.stdout.readline().split()[-1]) as client:
                assert [client.predict([3.0]).tolist() for _ in range(30)] == [[3.5]] * 30
        finally:
            process.terminate()
    text = (tmp_path / "told").read_text()
    line = "A request to half_plus_two could not be logged: [Errno 28] No space left on device"
    assert text.count(line) == text.count("No space left") == 1
    assert "Traceback" not in text


def test_a_failure_to_log_is_told_to_the_operator_and_not_to_the_client(caplog):
    answer = {"y": np.ones(1)}
    runtime = types.SimpleNamespace(signatures={}, run=lambda name, inputs: answer)
    broken = types.SimpleNamespace(record=None)  # a call of it raises a TypeError
    with caplog.at_level("ERROR", "dlkit.serving"):
        found = Logged(runtime, broken, "m", 1).run("s", {"x": np.ones(1)})
    assert found is answer
    assert "A request to m could not be logged" in caplog.text
