"""Encrypted connections by TensorFlow Serving's SSLConfig: gRPC's, and REST's where asked for."""

import pathlib
import ssl
import tempfile
from dataclasses import dataclass
from typing import Any

from dlkit.errors import InputError
from dlkit.serving.core.settings import Settings
from dlkit.serving.wire.protobuf import config_text


@dataclass(frozen=True)
class Certificates:
    """What a server proves itself with, in PEM.

    Args:
        key: Its private key.
        certificate: Its certificate, and those between it and the authority.
        authority: The certificates of the authorities that sign clients' certificates; empty for
            the system's.
        verify_clients: Whether clients have to show a certificate (mTLS).
    """

    key: str
    certificate: str
    authority: str = ""
    verify_clients: bool = False


def read_certificates(settings: Settings) -> Certificates | None:
    """Return what is in the `ssl_config_file`; None where there is none.

    Raises:
        InputError: for a file that cannot be used, and for TLS on REST without one.
    """
    path = settings.ssl_config_file
    if not path:
        if settings.rest_tls:
            raise InputError(
                "rest_tls needs ssl_config_file, which holds the certificate."
                f" Received: rest_tls={settings.rest_tls}, ssl_config_file={path!r}."
            )
        return None
    config = config_text.read_config("ssl_config_file", path, "SSLConfig")
    found = Certificates(
        config.server_key, config.server_cert, config.custom_ca, config.client_verify
    )
    try:
        server_context(found)  # gRPC would take anything, and then refuse every connection
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise InputError(
            f"ssl_config_file {path}: server_key, server_cert or custom_ca is no PEM that OpenSSL"
            f" takes ({reason})."
        ) from None
    return found


def server_context(found: Certificates) -> ssl.SSLContext:
    """Return what REST's sockets are wrapped with.

    Raises:
        ssl.SSLError: for a key or a certificate that is none, or that do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # OpenSSL reads them from a file only; nobody else can read this one, and it goes at once.
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(f"{found.key}\n{found.certificate}\n")
        file.flush()
        context.load_cert_chain(file.name)
    if found.verify_clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
    if found.authority:
        context.load_verify_locations(cadata=found.authority)
    return context


def grpc_credentials(found: Certificates) -> Any:
    """Return what gRPC's ports are opened with."""
    import grpc

    pair = (found.key.encode(), found.certificate.encode())
    authority = found.authority.encode() or None
    # Without an authority of its own, gRPC asks for one to verify clients with: the system's.
    if found.verify_clients and authority is None:
        file = ssl.get_default_verify_paths().cafile
        authority = pathlib.Path(file).read_bytes() if file else b""
    return grpc.ssl_server_credentials([pair], authority, found.verify_clients)
