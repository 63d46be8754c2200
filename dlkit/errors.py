"""The errors that dlkit raises for what a user can mend.

Each message is one sentence: what was given, what was expected, what to do. The command line prints
that sentence and exits with status 2; anything else that escapes is a bug and keeps its traceback.
"""

import errno
import os


class DlkitError(Exception):
    """Base of the errors below, for code that wants to catch them all."""


class InputError(DlkitError, ValueError):
    """A value that the user gave cannot be used."""


class MissingExtraError(DlkitError, ImportError):
    """An optional dependency is not installed; the message names what brings it."""


class ExportError(DlkitError, RuntimeError):
    """An export failed its self-check. Nothing is left on the disk."""


class ServerError(DlkitError, RuntimeError):
    """A model server could not start, could not be reached, or refused a request."""


def full_disk(error: BaseException) -> str | None:
    """Return the system's words where an error comes of a full disk, or a quota or a limit.

    TensorFlow and HDF5 have errors of their own, with these words in them.

    Example:
        >>> full_disk(OSError(28, "No space left on device"))
        'No space left on device'
    """
    reasons = [os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)]
    return next((reason for reason in reasons if reason in str(error)), None)
