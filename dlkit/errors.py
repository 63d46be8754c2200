"""The errors that dlkit raises for what a user can mend.

Each message is one sentence: what was given, what was expected, what to do. The command line prints
that sentence and exits with status 2; anything else that escapes is a bug and keeps its traceback.
"""


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
