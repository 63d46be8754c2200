"""Where a server listens: ports, the URLs that they make, and what is said when one is taken."""

import errno
import socket
from urllib.parse import quote

from dlkit.argument_validation import check_integer
from dlkit.errors import InputError, ServerError


def check_ports(rest_port: int | None, grpc_port: int | None) -> None:
    """Refuse one port for both, no port at all, and what is no port.

    Raises:
        InputError: naming the ports.
    """
    if rest_port is None and grpc_port is None:
        raise InputError(
            "A server needs rest_port, grpc_port or both; 0 takes a free one."
            f" Received: rest_port={rest_port}, grpc_port={grpc_port}."
        )
    for argument, port in (("rest_port", rest_port), ("grpc_port", grpc_port)):
        if port is not None:
            check_integer(argument, port, minimum=0)
    if grpc_port and grpc_port == rest_port:
        raise InputError(
            "rest_port and grpc_port must differ, or be 0 for free ones."
            f" Received: rest_port={rest_port}, grpc_port={grpc_port}."
        )


def bind_port(host: str, port: int, argument: str) -> socket.socket:
    """Take a port without opening it yet.

    Args:
        host: The address.
        port: The port; 0 for a free one.
        argument: What the user calls the port, for the message.

    Raises:
        ServerError: when it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sets TCP_NODELAY on what it accepts; without, the kernel
    # holds the second packet of each answer back for 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise cannot_listen(host, port, argument, error) from None
    return listener


def cannot_listen(host: str, port: int, argument: str, error: Exception) -> ServerError:
    """Return the error for a port that cannot be had, and what to do about it."""
    reason = getattr(error, "strerror", None) or error
    advice = f"Stop what uses it, or choose another port ({argument}=0 takes a free one)."
    if isinstance(error, socket.gaierror) or getattr(error, "errno", 0) == errno.EADDRNOTAVAIL:
        advice = "Give a host that is an address of this machine; 0.0.0.0 is all of them."
    elif isinstance(error, PermissionError):
        advice = "Ports below 1024 are for the system: choose one above."
    elif isinstance(error, OverflowError):
        advice = f"Ports end at 65535 ({argument}=0 takes a free one)."
    return ServerError(f"Cannot listen on {host} port {port}: {reason}. {advice}")


def model_url(host: str, port: int, name: str, scheme: str = "http") -> str:
    """Return the URL under which a model is served.

    Example:
        >>> model_url("127.0.0.1", 8501, "digits")
        'http://127.0.0.1:8501/v1/models/digits'
    """
    return f"{scheme}://{shown_host(host)}:{port}/v1/models/{quote(name, safe='')}"


def shown_host(host: str) -> str:
    """Return a listening address as a client of this machine writes it.

    Example:
        >>> shown_host("0.0.0.0"), shown_host("::1")
        ('127.0.0.1', '[::1]')
    """
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
