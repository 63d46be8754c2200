"""How often a client sends a request again, and after how long: over REST and gRPC alike.

gRPC's own retry policy is not used: it stops after five attempts, counts the time limit over all of
them, and leaves out requests above 256 KiB unless told otherwise.
"""

from typing import Any

from tenacity import stop_after_attempt, wait_exponential
from tenacity.retry import retry_base

from dlkit.argument_validation import check_integer

_FIRST_PAUSE_SECONDS = 0.1


def retry_policy(retries: int, transient: retry_base) -> dict[str, Any]:
    """Return what tenacity's `Retrying` and `AsyncRetrying` are to be made with.

    A prediction changes nothing: it may be asked for again.

    Args:
        retries: How often a request is sent again.
        transient: Which failures another attempt may mend.

    Raises:
        InputError: when `retries` is no number of times.

    Example:
        >>> from tenacity import Retrying, retry_if_result
        >>> Retrying(**retry_policy(2, retry_if_result(lambda found: found < 5)))(lambda: 7)
        7
    """
    return {
        "retry": transient,
        "stop": stop_after_attempt(1 + check_integer("retries", retries, minimum=0)),
        "wait": wait_exponential(_FIRST_PAUSE_SECONDS),  # doubled each time
        "retry_error_callback": lambda state: state.outcome.result(),  # the last one's, or raises
    }
