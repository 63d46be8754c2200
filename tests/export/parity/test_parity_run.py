import numpy as np
import pytest

from dlkit.errors import ExportError
from dlkit.export.parity import row_trials
from dlkit.export.parity.comparison import Check
from dlkit.export.parity.parity_run import ParityRun
from tests.export.told import rowwise


def test_rows_that_do_not_mix_are_known(digits):
    kinds = {"serving_default", "labels", "classify", "image_bytes", "image_bytes_labels"}
    assert set(rowwise(digits.version)["tensorflow"]) == kinds


def test_what_was_asked_is_kept_with_its_answer(digits):
    raw, _ = digits.data.examples
    expected = digits.model.predict(
        digits.data.preprocessing.predict(raw[:3], verbose=0), verbose=0
    )
    checks = [
        Check("serving_default", {"image": raw[:n]}, {"predictions": expected[:n]}) for n in (1, 3)
    ]
    alone = [{"image": raw[n : n + 1]} for n in range(3)]
    trial = row_trials.Trial(alone, [({"image": raw[:5]}, 0, range(3))], dict, required=True)
    asked = ParityRun(digits.version, checks, None, {"serving_default": trial})
    assert [key for key, _, _ in asked.known] == ["serving_default"] * 2
    for _, inputs, answer in asked.known:
        rows = len(inputs["image"])
        np.testing.assert_allclose(answer["predictions"], expected[:rows], atol=1e-6)
    assert asked.facts(1e-5)["check"]["max_difference"] < 1e-5
    assert asked.rowwise(1e-5) == ["serving_default"]


def test_a_call_that_is_refused_is_an_error_unless_it_is_a_trial(digits):
    wrong = {"image": np.zeros((1, 3, 3), "uint8")}
    trial = row_trials.Trial([wrong], [(wrong, 0, range(1))], dict, required=False)
    asked = ParityRun(digits.version, [], None, {"serving_default": trial})
    assert asked.rowwise(1e-5) == []
    with pytest.raises(ExportError, match="requested shape"):
        ParityRun(digits.version, [Check("serving_default", wrong, {})], None, {})
