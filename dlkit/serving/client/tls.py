"""How a client knows the server that it asks, and proves itself where the server wants it."""

import os
import pathlib
import ssl

from dlkit.errors import InputError


def client_context(
    ca_file: str | os.PathLike | None, cert_file: str | os.PathLike | None = None
) -> ssl.SSLContext:
    """Return the settings of a connection that trusts one authority.

    Args:
        ca_file: The authority's certificate, in PEM; None for those that the system trusts.
        cert_file: The client's own certificate and key, in PEM. Defaults to None, no proof of who
            is asking.

    Raises:
        InputError: when one cannot be read, or is no certificate.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # OpenSSL's own errors among them
        raise InputError(
            f"ca_file must be a certificate in PEM ({error}). Received: ca_file={ca_file!r}."
        ) from None
    try:
        if cert_file is not None:
            context.load_cert_chain(cert_file)
    except OSError as error:
        raise InputError(
            f"cert_file must hold a certificate and its key, in PEM ({error})."
            f" Received: cert_file={cert_file!r}."
        ) from None
    return context


def read_pem_files(
    ca_file: str | os.PathLike | None, cert_file: str | os.PathLike | None
) -> tuple[bytes | None, bytes | None]:
    """Return what is in the files, for gRPC, which says little where it is no certificate.

    Args:
        ca_file: The authority's certificate, in PEM, or None.
        cert_file: The client's own certificate and key, in PEM, or None.

    Raises:
        InputError: when one cannot be read, or is no certificate.
    """
    client_context(ca_file, cert_file)
    return _content(ca_file), _content(cert_file)


def _content(file: str | os.PathLike | None) -> bytes | None:
    return pathlib.Path(file).read_bytes() if file else None
