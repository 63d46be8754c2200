"""Small SavedModels with known answers, and servers of them as processes of their own."""

import pytest
import saved_models

from dlkit.serving import Client, Server


@pytest.fixture(scope="session")
def half_plus_two(tmp_path_factory):
    """The base path of y = x / 2 + 2, version 1."""
    base = tmp_path_factory.mktemp("exports") / "half_plus_two"
    saved_models.half_plus_two(base / "1")
    return base


@pytest.fixture(scope="session")
def half_server(half_plus_two):
    with Server(half_plus_two, rest_port=0) as server:
        yield server


@pytest.fixture
def half_client(half_server):
    with Client(half_server.url) as client:
        yield client
