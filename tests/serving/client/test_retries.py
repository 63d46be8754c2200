import asyncio
import time

import pytest
from tenacity import AsyncRetrying, Retrying, retry_if_exception_type, retry_if_result

from dlkit.errors import InputError
from dlkit.serving.client.retries import retry_policy

TRANSIENT = retry_if_exception_type(OSError) | retry_if_result(lambda found: found == 503)


class Script:
    """Returns or raises one thing after the other."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)

    def __call__(self):
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def test_pauses_double():
    pauses = []
    retrying = Retrying(**retry_policy(4, TRANSIENT), sleep=pauses.append)
    assert retrying(Script(*[503] * 5)) == 503
    assert pauses == [0.1, 0.2, 0.4, 0.8]


def test_more_retries_than_grpcs_own_policy_allows():
    retrying = Retrying(**retry_policy(9, TRANSIENT), sleep=lambda seconds: None)
    assert retrying(Script(*[503] * 9, 200)) == 200


def test_the_last_error_is_raised_as_it_is():
    last = OSError("last")
    retrying = Retrying(**retry_policy(1, TRANSIENT), sleep=lambda seconds: None)
    with pytest.raises(OSError, match="last") as caught:
        retrying(Script(OSError("first"), last))
    assert caught.value is last
    with pytest.raises(ValueError, match="another"):
        retrying(Script(ValueError("another")))


def test_many_tasks_share_one():
    retrying = AsyncRetrying(**retry_policy(2, TRANSIENT))

    async def ask(number):
        script = Script(*[503] * (number % 4), number)

        async def attempt():
            await asyncio.sleep(0)
            return script()

        return await retrying(attempt)

    async def ask_all():
        return await asyncio.gather(*map(ask, range(100, 200)))

    start = time.monotonic()
    assert asyncio.run(ask_all()) == [n if n % 4 < 3 else 503 for n in range(100, 200)]
    assert time.monotonic() - start < 5  # at the same time, not one after the other


def test_what_is_no_number_of_retries():
    with pytest.raises(InputError, match="retries=-1"):
        retry_policy(-1, TRANSIENT)
