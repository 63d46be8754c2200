"""A short run of fuzzing.py, which has 50,000 bad requests on demand."""

import re

import pytest

from tests.serving import slow_texts
from tests.serving.fuzzing import fuzz, fuzz_documented


def test_bad_requests_over_rest_and_grpc(sink_server):
    faults = fuzz(sink_server, 3000, seed=0)
    assert faults.found == []
    assert faults.sent == 3000
    # It is no test when all of them end at the same door.
    assert {"200", "400", "404", "501", "OK", "INVALID_ARGUMENT", "NOT_FOUND"} <= set(
        faults.statuses
    )
    assert faults.statuses["200"] > 30


def test_no_text_of_a_client_takes_more_than_linear_time():
    assert slow_texts.fuzz(2000, seed=0) == []


def test_a_fault_would_be_found(monkeypatch):
    """A pattern that begins again at each quote, and a reader without a word for what it meets."""
    monkeypatch.setattr(slow_texts, "_SHORT", 1000)
    pattern = re.compile(rb'"(?:[^"\\]|\\.)*"')
    readers = {"quotes": lambda text: pattern.search(text), "digits": int}
    for name, reader in readers.items():
        monkeypatch.setitem(slow_texts.READERS, name, (reader, (b"",)))
    slow = slow_texts.fault("quotes", lambda n: b'"' + b'\\"' * (n // 2))
    assert slow.startswith("quotes: ")
    assert "times as long for each doubling" in slow
    assert "ValueError" in slow_texts.fault("digits", lambda n: b"1" * n)


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_requests_by_the_openapi_document(sink_server, mode):
    cases, status, report = fuzz_documented(sink_server.url, 0, 10, mode)
    assert status == 0, report
    assert cases > 50
