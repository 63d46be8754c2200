"""A short run of row_fuzzing.py, which has 20,000 cases on demand."""

import pytest

from tests.serving import row_fuzzing


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    return row_fuzzing.serve(tmp_path_factory.mktemp("rows"))


def test_no_companion_and_no_runtime_changes_an_answer(served):
    found = row_fuzzing.fuzz(served, 500, seed=1)
    assert found.faults == []
    # It is no test when nothing is joined, answered or refused.
    for runtime in ("tensorflow", "onnx", "litert"):
        assert found.counts[runtime, "joined", "ndarray"] > 500
        assert found.counts[runtime, "joined", "str"] > 50
    assert found.counts["onnx_dynamic", "alone", "ndarray"] > 500
    assert not found.counts["onnx_dynamic", "joined", "ndarray"]


@pytest.mark.parametrize("name", ["largest", "texts of any words"])
def test_rows_that_mix_would_be_found(served, name, monkeypatch):
    """As they were served before: the old trial let both pass."""
    version = served[name].versions["tensorflow"]
    assert version.runtime.rowwise == frozenset()
    monkeypatch.setattr(version.runtime, "rowwise", frozenset({row_fuzzing.KEY}))
    found = row_fuzzing.fuzz({name: served[name]}, 20, seed=0)
    assert "alone, not" in found.faults[0]
