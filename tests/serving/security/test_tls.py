"""TLS and mTLS by ssl_config_file: handshakes in this process, and a server's as a whole."""

import socket
import ssl
import threading

import grpc
import pytest
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

from dlkit.errors import InputError, ServerError
from dlkit.serving import Client, GrpcClient, Server
from dlkit.serving.core.settings import Settings
from dlkit.serving.grpc_api.server import GrpcServer
from dlkit.serving.process.serve import check_config_files
from dlkit.serving.security.tls import read_certificates, server_context
from tests.cli.command_line import call
from tests.serving.certificates import make, ssl_config

SECONDS = 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    make(folder)
    return folder


def settings(folder, **options):
    return Settings(ssl_config_file=str(ssl_config(folder, **options)))


def ask(target, **pem):
    """Ask for a model that is not there: the answer shows that the handshake went well."""
    credentials = grpc.ssl_channel_credentials(**pem)
    with grpc.secure_channel(target, credentials, [("grpc.enable_http_proxy", 0)]) as channel:
        request = get_model_status_pb2.GetModelStatusRequest(model_spec={"name": "m"})
        with pytest.raises(grpc.RpcError) as caught:
            model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(
                request, timeout=SECONDS
            )
        return caught.value.code()


@pytest.mark.parametrize("verify", [False, True])
def test_q26_grpc(folder, verify):
    ca = (folder / "ca.pem").read_bytes()
    pair = {
        "private_key": (folder / "client.key").read_bytes(),
        "certificate_chain": (folder / "client.pem").read_bytes(),
    }
    server = GrpcServer({}, "127.0.0.1:0", 2, settings(folder, verify=verify))
    server.start()
    target = f"127.0.0.1:{server.port}"
    try:
        assert ask(target, root_certificates=ca, **pair) is grpc.StatusCode.NOT_FOUND
        without = grpc.StatusCode.UNAVAILABLE if verify else grpc.StatusCode.NOT_FOUND
        assert ask(target, root_certificates=ca) is without
        stranger = (folder / "client.pem").read_bytes()
        assert ask(target, root_certificates=stranger) is grpc.StatusCode.UNAVAILABLE
    finally:
        server.close()


@pytest.mark.parametrize("verify", [False, True])
def test_rests_sockets(folder, verify):
    """The other side is Python's own client."""
    context = server_context(read_certificates(settings(folder, verify=verify)))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2

    def greet(certificate):
        def serve():
            connection, _ = listener.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as wrapped:
                    wrapped.sendall(b"hello")
            except (ssl.SSLError, OSError):
                connection.close()

        client = ssl.create_default_context(cafile=folder / "ca.pem")
        if certificate:
            client.load_cert_chain(folder / "client.pem", folder / "client.key")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=serve)
            thread.start()
            try:
                with (
                    socket.create_connection(listener.getsockname(), SECONDS) as plain,
                    client.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped,
                ):
                    return wrapped.recv(5)
            except (ssl.SSLError, OSError):
                return None
            finally:
                thread.join(SECONDS)

    assert greet(certificate=True) == b"hello"
    assert greet(certificate=False) == (None if verify else b"hello")


def test_what_is_no_certificate(folder, tmp_path):
    with pytest.raises(InputError, match=r"rest_tls needs ssl_config_file.*ssl_config_file=''"):
        read_certificates(Settings(rest_tls=True))
    assert read_certificates(Settings()) is None
    bad = tmp_path / "bad"
    bad.write_text('server_key: "x" server_cert: "y"')
    with pytest.raises(InputError, match=r"ssl_config_file .*/bad: server_key, server_cert or"):
        read_certificates(Settings(ssl_config_file=str(bad)))
    text = ssl_config(folder).read_text()
    bad.write_text(text + 'custom_ca: "z" client_verify: true')
    with pytest.raises(InputError, match=r"custom_ca is no PEM"):
        read_certificates(Settings(ssl_config_file=str(bad)))


def test_a_certificate_that_would_encrypt_nothing(folder):
    path = ssl_config(folder)
    sentence = r"encrypts nothing here: give grpc_port, .*, or rest_tls.*rest_tls=False"
    with pytest.raises(InputError, match=sentence):
        check_config_files(Settings(ssl_config_file=str(path)), None)
    check_config_files(Settings(ssl_config_file=str(path)), 0)
    check_config_files(Settings(ssl_config_file=str(path), rest_tls=True), None)


@pytest.fixture(scope="module")
def keys(folder):
    path = folder / "keys"
    path.write_text("# who may ask\nthe-first-key-of-all\n\nanother-key-of-some-length\n")
    return path


@pytest.fixture(scope="module")
def server(half_plus_two, folder, keys):
    files = {"ssl_config_file": ssl_config(folder), "api_key_file": keys}
    with Server(half_plus_two, name="m", rest_port=0, grpc_port=0, rest_tls=True, **files) as found:
        yield found


@pytest.mark.parametrize("key", ["the-first-key-of-all", "another-key-of-some-length"])
def test_rest_and_grpc_behind_tls_and_a_key(server, folder, key):
    assert server.url.startswith("https://127.0.0.1:")
    with Client(server.url, api_key=key, ca_file=folder / "ca.pem") as client:
        assert client.predict([1.0]).tolist() == [2.5]
    options = {"api_key": key, "ca_file": folder / "ca.pem"}
    with GrpcClient(server.grpc_target, "m", **options) as client:
        assert client.predict([1.0]).tolist() == [2.5]


@pytest.mark.parametrize("key", [None, "the-first-key-of-al", "the-first-key-of-alL"])
def test_without_the_key_there_is_no_answer(server, folder, key):
    options = {"api_key": key, "ca_file": folder / "ca.pem", "retries": 0}
    with (
        Client(server.url, **options) as client,
        pytest.raises(ServerError, match="asks for an API key"),
    ):
        client.predict([1.0])
    with (
        GrpcClient(server.grpc_target, "m", **options) as client,
        pytest.raises(ServerError, match="asks for an API key"),
    ):
        client.status()


def test_the_command_sends_a_key(server, folder, keys, monkeypatch, capsys, tmp_path):
    (tmp_path / "rows.json").write_text("[1.0]")
    command = ("predict", server.url, tmp_path / "rows.json", "--ca-file", folder / "ca.pem")
    assert call(monkeypatch, *command) == 2
    assert "asks for an API key" in capsys.readouterr().err
    monkeypatch.setenv("DLKIT_API_KEY", "another-key-of-some-length")
    assert call(monkeypatch, *command) == 0
    assert capsys.readouterr().out == "[2.5]\n"


def test_without_tls_there_is_no_answer(server):
    plain = server.url.replace("https", "http")
    with Client(plain, retries=0) as client, pytest.raises(ServerError, match="No server answers"):
        client.status()
    with Client(server.url, retries=0) as client, pytest.raises(ServerError, match="certificate"):
        client.status()


def test_mtls_over_rest_and_grpc(half_plus_two, folder, monkeypatch, capsys, tmp_path):
    (tmp_path / "rows.json").write_text("[1.0]")
    own = folder / "own.pem"
    own.write_text((folder / "client.pem").read_text() + (folder / "client.key").read_text())
    files = {"ca_file": folder / "ca.pem", "cert_file": own}
    without = {"ca_file": folder / "ca.pem", "retries": 0}
    options = {"ssl_config_file": ssl_config(folder, verify=True), "rest_tls": True}
    with Server(half_plus_two, name="m", rest_port=0, grpc_port=0, **options) as server:
        with Client(server.url, **files) as client:
            assert client.predict([1.0]).tolist() == [2.5]
        with GrpcClient(server.grpc_target, "m", **files) as client:
            assert client.predict([1.0]).tolist() == [2.5]
        command = ("predict", server.url, tmp_path / "rows.json", "--ca-file", folder / "ca.pem")
        assert call(monkeypatch, *command, "--cert-file", own) == 0
        assert capsys.readouterr().out == "[2.5]\n"
        with (
            Client(server.url, **without) as client,
            pytest.raises(ServerError, match=r"No server answers.*certificate \(cert_file\)\?$"),
        ):
            client.predict([1.0])
        with (
            GrpcClient(server.grpc_target, "m", **without) as client,
            pytest.raises(ServerError, match="No server answers"),
        ):
            client.predict([1.0])
