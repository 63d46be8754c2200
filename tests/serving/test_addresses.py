import socket

import pytest

from dlkit.errors import InputError, ServerError
from dlkit.serving import addresses


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
    assert addresses.url(host, 80, "m") == url


def test_other_schemes():
    assert addresses.url("127.0.0.1", 1, "m", "https") == "https://127.0.0.1:1/v1/models/m"


def test_ports_that_make_no_server():
    with pytest.raises(InputError, match=r"must differ.*rest_port=8500, grpc_port=8500"):
        addresses.check_ports(8500, 8500)
    with pytest.raises(InputError, match=r"needs rest_port, grpc_port.*rest_port=None"):
        addresses.check_ports(None, None)
    addresses.check_ports(0, 0)


def test_a_bound_port_is_not_open_yet():
    with addresses.bind("127.0.0.1", 0, "rest_port") as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70000), ("300.1.1.1", 0)])
def test_what_cannot_be_bound_is_named(host, port):
    with pytest.raises(ServerError, match=rf"Cannot listen on {host} port {port}: .*x_port=0"):
        addresses.bind(host, port, "x_port")
