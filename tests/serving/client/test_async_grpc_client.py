"""The gRPC client with `await`, against the real server and one that is in trouble."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest

from dlkit.errors import InputError, ServerError
from dlkit.serving import AsyncGrpcClient, GrpcClient
from tests.serving.client.test_grpc_client import Flaky


def run(target, ask, model="sink", **options):
    async def inside():
        async with AsyncGrpcClient(target, model, **options) as client:
            return await ask(client)

    return asyncio.run(inside())


def test_many_requests_are_under_way_at_a_time(grpc_target):
    async def ask(client):
        return await asyncio.gather(*(client.predict(np.full(3, n)) for n in range(40)))

    for number, answer in enumerate(run(grpc_target, ask)):
        assert answer.dtype == np.float32
        np.testing.assert_array_equal(answer, np.full(3, number / 2 + 2))


def test_status_metadata_and_refusals_are_those_of_the_client(grpc_target):
    async def both(client):
        return await client.status(), await client.metadata()

    with GrpcClient(grpc_target, "sink") as client:
        assert run(grpc_target, both) == (client.status(), client.metadata())
    with pytest.raises(ServerError, match='"nosuch" not found'):
        run(grpc_target, lambda client: client.predict([1.0], signature_name="nosuch"))
    with pytest.raises(ServerError, match="float"):
        run(grpc_target, lambda client: client.predict(["a"]))
    with pytest.raises(ServerError, match="Could not find any versions of model nosuch"):
        run(grpc_target, lambda client: client.status(), model="nosuch")


@pytest.mark.parametrize("failures", [2, 3])
def test_unavailable_is_asked_again(grpc_target, failures):
    async def ask(client):
        async with AsyncGrpcClient(grpc_target, "sink") as known:
            await known.predict([1.0])
            client._signatures = known._signatures  # the other server has no metadata
        return await client.predict([1.0])

    pool = ThreadPoolExecutor(1)
    server = grpc.server(pool, [Flaky(failures)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        if failures == 2:
            assert run(f"127.0.0.1:{port}", ask, "m", retries=2).tolist() == [2.5]
        else:
            with pytest.raises(ServerError, match=r"No server answers at .* \(loading\)"):
                run(f"127.0.0.1:{port}", ask, "m", retries=2)
    finally:
        server.stop(0).wait()
        pool.shutdown()


def test_nobody_there_and_wrong_arguments():
    with pytest.raises(ServerError, match=r"No server answers at grpc://127\.0\.0\.1:9 "):
        run("127.0.0.1:9", lambda client: client.predict([1.0]), retries=0)
    with pytest.raises(InputError, match="target must be a server's address"):
        AsyncGrpcClient("http://h", "m")
