import socket

import pytest

from dlkit.errors import InputError, ServerError
from dlkit.serving.process import addresses


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80/v1/models/m"),
        ("0.0.0.0", "http://127.0.0.1:80/v1/models/m"),
        ("::1", "http://[::1]:80/v1/models/m"),
        ("::", "http://[::1]:80/v1/models/m"),
    ],
)
def test_urls(host, url):
    assert addresses.model_url(host, 80, "m") == url


def test_a_name_that_urls_cannot_carry_as_it_is():
    assert addresses.model_url("127.0.0.1", 80, "a b/é").endswith("/v1/models/a%20b%2F%C3%A9")


def test_other_schemes():
    assert addresses.model_url("127.0.0.1", 1, "m", "https") == "https://127.0.0.1:1/v1/models/m"


def test_ports_that_make_no_server():
    with pytest.raises(InputError, match=r"must differ.*rest_port=8500, grpc_port=8500"):
        addresses.check_ports(8500, 8500)
    with pytest.raises(InputError, match=r"needs rest_port, grpc_port.*rest_port=None"):
        addresses.check_ports(None, None)
    addresses.check_ports(0, 0)
    with pytest.raises(InputError, match=r"rest_port must be a whole number.*rest_port='a'"):
        addresses.check_ports("a", None)
    with pytest.raises(InputError, match=r"grpc_port must be a whole number.*grpc_port=-1"):
        addresses.check_ports(0, -1)


def test_a_bound_port_is_not_open_yet():
    with addresses.bind_port("127.0.0.1", 0, "rest_port") as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)


@pytest.mark.parametrize(
    ("host", "port", "advice"),
    [
        ("127.0.0.1", 70000, r"Ports end at 65535 \(x_port=0"),
        ("300.1.1.1", 0, "Give a host that is an address of this machine; 0.0.0.0 is all"),
        ("192.0.2.1", 0, "Give a host that is an address of this machine"),  # for documents only
    ],
)
def test_what_cannot_be_bound_is_named_with_what_to_do(host, port, advice):
    with pytest.raises(ServerError, match=rf"Cannot listen on {host} port {port}: .*{advice}"):
        addresses.bind_port(host, port, "x_port")


def test_a_port_of_the_system():
    error = addresses.cannot_listen("127.0.0.1", 80, "x_port", PermissionError(13, "denied"))
    assert "port 80: denied. Ports below 1024 are for the system" in str(error)
