import ssl

import pytest

from dlkit.errors import InputError
from dlkit.serving import Client, GrpcClient
from dlkit.serving.client.tls import client_context, read_pem_files
from tests.serving.certificates import make


def test_an_authority_is_the_only_one_trusted(tmp_path):
    make(tmp_path)
    context = client_context(tmp_path / "ca.pem")
    (known,) = context.get_ca_certs()
    assert known["subject"][0][0] == ("commonName", "dlkit test authority")
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert read_pem_files(tmp_path / "ca.pem", None) == ((tmp_path / "ca.pem").read_bytes(), None)


def test_clients_name_a_certificate_that_is_none(tmp_path):
    bad = tmp_path / "bad"
    bad.write_text("no certificate")
    for path in ("/none", bad):
        with pytest.raises(InputError, match=r"ca_file must be a certificate in PEM .*ca_file="):
            Client("https://127.0.0.1:1/v1/models/m", ca_file=path)
        with pytest.raises(InputError, match=r"ca_file must be a certificate in PEM .*ca_file="):
            GrpcClient("127.0.0.1:1", "m", ca_file=path)
        with pytest.raises(InputError, match=r"cert_file must hold a certificate .*cert_file="):
            Client("https://127.0.0.1:1/v1/models/m", cert_file=path)
        with pytest.raises(InputError, match=r"cert_file must hold a certificate .*cert_file="):
            GrpcClient("127.0.0.1:1", "m", cert_file=path)
