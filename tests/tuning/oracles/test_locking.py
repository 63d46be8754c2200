import threading

import pytest

from dlkit.tuning.oracles import oracle as oracles
from tests.tuning.driving import make


def test_a_call_that_fails_keeps_no_other_out(tmp_path, monkeypatch):
    oracle = make("random", tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(oracles, "write_json", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            oracle.create_trial("a")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(oracle.create_trial("b")))
    thread.start()
    thread.join(timeout=20)
    assert not thread.is_alive() and answers[0].status == "RUNNING"
