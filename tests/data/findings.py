"""What the tests of checks share: findings by name, and data whose faults they plant."""

import types

import numpy as np

import dlkit as dk


def found(data):
    """Return what was looked at -> the finding; none is there twice."""
    findings = data.check(show=False)
    by_name = {finding.what: finding for finding in findings}
    assert len(by_name) == len(findings) > 3
    for finding in findings:
        assert (finding.level != "ok") <= bool(finding.advice)
    return by_name


def levels(data):
    return {finding.level for finding in data.check(show=False)}


def of_cancer(x, y, **options):
    """Return data of the breast cancer set's arrays, or of what was planted in them."""
    return dk.data.from_arrays(x, y, class_names=("malignant", "benign"), **options)


def raw_view(raw, paths=None):
    """Return what a check of raw inputs looks at: training inputs, or files."""
    rows = np.arange(len(paths if raw is None else raw))
    origin = types.SimpleNamespace(paths=paths)
    return types.SimpleNamespace(origin=origin, raw={"train": raw}, rows=lambda split: rows)
