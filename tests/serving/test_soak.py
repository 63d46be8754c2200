"""A server's life under load, in short; benchmarks/soak.py is the long form."""

import pathlib
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).parents[2] / "benchmarks"))  # scripts, no package
import soak

CLIENTS = 8


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return soak.Site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def server(site):
    with site.server() as server:
        yield server


def test_no_request_fails_while_versions_come_and_go(site, server):
    found = soak.swaps(site, server, CLIENTS, seconds=1, count=2)
    assert found["requests"] > 50


def test_no_request_fails_while_the_configuration_changes(site, server):
    found = soak.reloads(site, server, CLIENTS, seconds=1, count=4)
    assert found["requests"] > 50


def test_a_broken_version_never_replaces_a_good_one_under_load(site, server):
    assert soak.broken(site, server, CLIENTS, seconds=0.5)["requests"] > 20


def test_the_clients_notice_what_is_no_answer(site, server):
    load = soak.Load(server, 1, 0.1)
    load._job["requests"] = [soak.post(b"{")]
    with pytest.raises(AssertionError, match=r"answers \[b'400'\], like .*JSON Parse error"), load:
        pass
    with soak.Load(server, 1, 0.1) as load:
        pass
    with pytest.raises(AssertionError, match=r"where .* were published"):
        load.check(site, [-1])


def test_sigterm_cuts_no_answer(server):
    """The last test: it ends the server."""
    found = soak.drain(server, CLIENTS, steps=1500)
    assert found["waiting_at_sigterm"] >= CLIENTS // 2  # a fast one may be between two requests
    assert found["seconds"] < 60
