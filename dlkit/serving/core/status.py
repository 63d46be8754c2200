"""The status codes of gRPC, in which TensorFlow Serving thinks, and their HTTP counterparts."""

HTTP_STATUS = {
    "OK": 200,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
    "UNAUTHENTICATED": 401,
}

# In the order of their numbers in google.rpc.Code, by which TensorFlow's errors carry them.
_BY_NUMBER = (
    *("OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND"),
    *("ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"),
    *("ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"),
    "UNAUTHENTICATED",
)


def one_line(error: Exception) -> str:
    """Return the text of another library's error on one line, or its kind where it has none."""
    return " ".join(f"{error}".split()) or type(error).__name__


class StatusError(Exception):
    """A request or a load that failed: a status code by name, a message, and maybe a hint.

    It stays inside the server, which answers with it; users of dlkit never catch it.

    Args:
        code: One of the names in `HTTP_STATUS`.
        message: TensorFlow Serving's own text, where it has one.
        hint: What a person could do about it; sent beside the message, never inside it.

    Example:
        >>> error = StatusError("NOT_FOUND", "Servable not found for request: Latest(m)")
        >>> error.http_status, str(error)
        (404, 'Servable not found for request: Latest(m)')
    """

    def __init__(self, code: str, message: str, hint: str | None = None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    @property
    def http_status(self) -> int:
        """The HTTP status that TensorFlow Serving sends for this code."""
        return HTTP_STATUS[self.code]

    def absl(self) -> str:
        """Code and message as `absl::Status::ToString` prints them, to quote one in another."""
        return f"{self.code}: {self.message}"


def invalid(message: str) -> StatusError:
    """Return an INVALID_ARGUMENT error with `message`."""
    return StatusError("INVALID_ARGUMENT", message)


def not_available(name: str, number: int | None) -> StatusError:
    """Return TensorFlow Serving's answer for a model or a version of it that cannot be asked."""
    wanted = f"Latest({name})" if number is None else f"Specific({name}, {number})"
    return StatusError("NOT_FOUND", f"Servable not found for request: {wanted}")


def code_by_number(number: int) -> str:
    """Return the name of status code `number`; numbers that nobody defined are UNKNOWN.

    Example:
        >>> code_by_number(5)
        'NOT_FOUND'
    """
    return _BY_NUMBER[number] if 0 <= number < len(_BY_NUMBER) else "UNKNOWN"
