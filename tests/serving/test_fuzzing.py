"""A short run of fuzzing.py, which has 50,000 bad requests on demand."""

import pytest

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


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_requests_by_the_openapi_document(sink_server, mode):
    cases, status, report = fuzz_documented(sink_server.url, 0, 10, mode)
    assert status == 0, report
    assert cases > 50
