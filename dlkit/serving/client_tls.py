"""Whom a client believes that a server is the one that it says it is."""

import os
import pathlib
import ssl

from dlkit.errors import InputError


def trusting(ca_file: str | os.PathLike) -> ssl.SSLContext:
    """Return the settings of a connection that trusts one authority.

    Args:
        ca_file: The authority's certificate, in PEM.

    Raises:
        InputError: when it cannot be read, or is no certificate.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # OpenSSL's own errors among them
        raise InputError(
            f"ca_file must be a certificate in PEM ({error}). Received: ca_file={ca_file!r}."
        ) from None


def read_authority(ca_file: str | os.PathLike) -> bytes:
    """Return the authority's certificate, for gRPC, which says little where it is none.

    Args:
        ca_file: The authority's certificate, in PEM.

    Raises:
        InputError: when it cannot be read, or is no certificate.
    """
    trusting(ca_file)
    return pathlib.Path(ca_file).read_bytes()
