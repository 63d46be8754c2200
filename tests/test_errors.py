"""The errors are what Python's own handlers expect, and one class catches them all."""

import pytest

from dlkit import errors


@pytest.mark.parametrize(
    ("error", "base"),
    [
        (errors.InputError, ValueError),
        (errors.MissingExtraError, ImportError),
        (errors.ExportError, RuntimeError),
        (errors.ServerError, RuntimeError),
    ],
)
def test_each_error_is_caught_as_its_builtin_and_as_dlkits(error, base):
    for kind in (base, errors.DlkitError):
        with pytest.raises(kind, match="one sentence"):
            raise error("one sentence")
