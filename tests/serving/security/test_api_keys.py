"""Keys by themselves and over gRPC; test_tls.py has them in a server's process."""

import hmac

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

from dlkit.errors import InputError
from dlkit.serving.core.settings import Settings
from dlkit.serving.grpc_api.server import GrpcServer
from dlkit.serving.security.api_keys import ApiKeys, read_keys

KEYS = ApiKeys([b"first-key-of-sixteen", b"second-key-of-sixteen"])
SECONDS = 30


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        ([(b"authorization", b"Bearer first-key-of-sixteen")], True),
        ([(b"Authorization", b"bearer  second-key-of-sixteen ")], True),
        ([(b"x-api-key", b"second-key-of-sixteen")], True),
        ([(b"x-api-key", b"wrong"), (b"authorization", b"Bearer first-key-of-sixteen")], True),
        ([], False),
        ([(b"authorization", b"first-key-of-sixteen")], False),
        ([(b"authorization", b"Basic first-key-of-sixteen")], False),
        ([(b"x-api-key", b"first-key-of-sixtee")], False),
        ([(b"x-api-key", b"first-key-of-sixteenn")], False),
        ([(b"x-api-key", b"")], False),
        ([(b"x-other", b"first-key-of-sixteen")], False),
    ],
)
def test_which_headers_carry_a_key(headers, accepted):
    assert KEYS.accept(headers) is accepted


def test_every_key_is_compared_in_constant_time(monkeypatch):
    compared, original = [], hmac.compare_digest
    monkeypatch.setattr(
        hmac, "compare_digest", lambda a, b: (compared.append((len(a), len(b))), original(a, b))[1]
    )
    for key in (b"first-key-of-sixteen", b"x", b"a" * 9999):
        compared.clear()
        KEYS.accept([(b"x-api-key", key)])
        assert compared == [(32, 32), (32, 32)]  # also where the first one was right


def test_a_file_of_keys(tmp_path):
    assert read_keys("") is None
    path = tmp_path / "keys"
    path.write_bytes(b"# comment\n\n  key-with-spaces-around  \r\nsecond-key-of-sixteen")
    keys = read_keys(str(path))
    assert keys.accept([(b"x-api-key", b"key-with-spaces-around")])
    assert keys.accept([(b"x-api-key", b"second-key-of-sixteen")])
    assert not keys.accept([(b"x-api-key", b"# comment")])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"Received: 0 keys, the shortest with 0 characters"),
        ("# only this\n", r"Received: 0 keys"),
        ("a-key-of-some-length\nshort\n", r"Received: 2 keys, the shortest with 5 characters"),
    ],
)
def test_keys_that_guard_nothing(tmp_path, text, sentence):
    (tmp_path / "keys").write_text(text)
    with pytest.raises(InputError, match=rf"api_key_file .*/keys must hold a key.*{sentence}"):
        read_keys(str(tmp_path / "keys"))
    with pytest.raises(InputError, match=r"api_key_file .*/none cannot be read: No such file"):
        read_keys(str(tmp_path / "none"))


def test_grpc_calls_need_a_key_and_health_checks_do_not(tmp_path):
    (tmp_path / "keys").write_text("first-key-of-sixteen\n")
    settings = Settings(api_key_file=str(tmp_path / "keys"))
    server = GrpcServer({}, "127.0.0.1:0", 2, settings)
    server.start()
    target = f"127.0.0.1:{server.port}"
    try:
        with grpc.insecure_channel(target, [("grpc.enable_http_proxy", 0)]) as channel:
            check = health_pb2_grpc.HealthStub(channel).Check
            assert check(health_pb2.HealthCheckRequest(), timeout=SECONDS).status == 1
            status = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus
            request = get_model_status_pb2.GetModelStatusRequest(model_spec={"name": "m"})
            for metadata, code in (
                ((), grpc.StatusCode.UNAUTHENTICATED),
                ((("x-api-key", "wrong-key-of-sixteen"),), grpc.StatusCode.UNAUTHENTICATED),
                ((("x-api-key", "first-key-of-sixteen"),), grpc.StatusCode.NOT_FOUND),
                ((("authorization", "Bearer first-key-of-sixteen"),), grpc.StatusCode.NOT_FOUND),
            ):
                with pytest.raises(grpc.RpcError) as caught:
                    status(request, timeout=SECONDS, metadata=metadata)
                assert caught.value.code() is code
            reflect = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo
            listing = reflection_pb2.ServerReflectionRequest(list_services="")
            with pytest.raises(grpc.RpcError) as caught:
                list(reflect(iter([listing]), timeout=SECONDS))
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    finally:
        server.close()
