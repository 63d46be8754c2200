"""Certificates for tests, made with OpenSSL: an authority, a server's and a client's."""

import subprocess


def make(folder):
    """Write ca.pem, server.key, server.pem, client.key, client.pem into `folder`."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    subject = ("-subj", "/CN=dlkit test authority")
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", *subject)
    for name in ("server", "client"):
        request = ("-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl("req", *curve, *request)
        (folder / "extensions").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key"),
            *("-out", f"{name}.pem", "-days", "2", "-extfile", "extensions"),
        )


def ssl_config(folder, verify=False):
    """Write an SSLConfig of the server's certificate, and return its path."""

    def quoted(name):
        return '"' + (folder / name).read_text().replace("\n", "\\n") + '"'

    path = folder / f"ssl.{verify}.config"
    path.write_text(
        f"server_key: {quoted('server.key')}\nserver_cert: {quoted('server.pem')}\n"
        + (f"custom_ca: {quoted('ca.pem')}\nclient_verify: true\n" if verify else "")
    )
    return path
