"""The REST client with `await`, against the real server and a scripted one."""

import asyncio

import numpy as np
import pytest

from dlkit.errors import InputError, ServerError
from dlkit.serving import AsyncClient
from tests.serving.scripted import GOOD


def run(url, ask, **options):
    async def inside():
        async with AsyncClient(url, **options) as client:
            return await ask(client)

    return asyncio.run(inside())


def test_many_requests_are_under_way_at_a_time(sink_url):
    async def ask(client):
        return await asyncio.gather(*(client.predict(np.full(3, n)) for n in range(40)))

    answers = run(sink_url, ask)
    for number, answer in enumerate(answers):
        np.testing.assert_array_equal(answer, np.full(3, number / 2 + 2))


def test_status_metadata_and_a_refusal_are_those_of_the_client(sink_url):
    status, metadata = run(sink_url, lambda client: _both(client))
    assert status[0]["state"] == "AVAILABLE"
    assert "serving_default" in metadata["metadata"]["signature_def"]["signature_def"]
    with pytest.raises(ServerError, match='"nosuch" not found'):
        run(sink_url, lambda client: client.predict([1.0], signature_name="nosuch"))


async def _both(client):
    return await client.status(), await client.metadata()


@pytest.mark.parametrize("trouble", [(503, b'{"error": "queue full"}'), None])
def test_unavailable_and_lost_connections_are_tried_again(scripted, trouble):
    url, answers, seen = scripted
    answers += [trouble, trouble, GOOD]
    assert run(url, lambda client: client.predict([1.0])).tolist() == [1.0]
    assert len(seen) == 3
    answers += [(503, b'{"error": "queue full"}')] * 2
    with pytest.raises(ServerError, match="queue full"):
        run(url, lambda client: client.predict([1.0]), retries=1)


def test_no_server_and_no_model_url():
    with pytest.raises(
        ServerError, match=r"No server answers at http://127\.0\.0\.1:9/v1/models/m"
    ):
        run("http://127.0.0.1:9/v1/models/m", lambda c: c.predict([1.0]), retries=0)
    with pytest.raises(InputError, match="must be a model's URL"):
        AsyncClient("http://127.0.0.1:9/")
