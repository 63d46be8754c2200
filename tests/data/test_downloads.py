"""Downloads from a real server on this machine, which can cut, lie, refuse and know no ranges."""

import hashlib
import http.server
import threading
import urllib.parse

import numpy as np
import pytest

from dlkit.data import downloads, published
from dlkit.data.published_files import PublishedFile
from dlkit.errors import InputError

CONTENT = np.random.default_rng(0).bytes(100_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FILE = "tabular/numbers.csv"


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; the query of the address says what goes wrong."""

    def do_GET(self):
        path, _, query = self.path.partition("?")
        faults = dict(urllib.parse.parse_qsl(query))
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        if path == "/gone":
            return self.send_error(404)
        body = CONTENT if "wrong" not in faults else CONTENT[:-1] + b"?"
        if "page" in faults:
            body = b"<html>please log in</html>"
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if start >= len(body):
            return self.send_error(416)
        ranges = asked and "no_ranges" not in faults
        self.send_response(206 if ranges else 200)
        body = body[start:] if ranges else body
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if len(self.server.asked) <= int(faults.get("cuts", 0)):
            body = body[: int(faults["after"])]
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def offer(server, tmp_path, monkeypatch):
    """Return a function that publishes FILE at an address of the server."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    for name in ("DLKIT_DATA", "DLKIT_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(downloads, "_PAUSE", 0.0)
    server.asked = []

    def publish(address):
        url = f"http://127.0.0.1:{server.server_port}/{address}"
        monkeypatch.setitem(published.FILES, FILE, PublishedFile(len(CONTENT), SHA256, url))
        return published.cache_folder() / FILE

    return publish


def test_a_file_is_downloaded_once(offer, server):
    target = offer("numbers.csv")
    assert published.find(FILE) == target
    assert target.read_bytes() == CONTENT
    assert published.find(FILE) == target
    assert server.asked == [None]
    assert list(target.parent.glob("*.part")) == []


def test_a_connection_that_is_cut_is_taken_up_where_it_broke_off(offer, server):
    target = offer("numbers.csv?cuts=2&after=30000")
    assert published.find(FILE).read_bytes() == CONTENT
    assert target.is_file()
    assert server.asked == [None, "bytes=30000-", "bytes=60000-"]


def test_the_next_run_asks_for_the_rest_alone(offer, server):
    """A connection that brings nothing more is given up; what came is kept."""
    target = offer("numbers.csv?cuts=1&after=40000")
    part = target.with_name("numbers.csv.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:70_000])
    server.asked.append("of an earlier run")
    assert published.find(FILE).read_bytes() == CONTENT
    assert server.asked[1:] == ["bytes=70000-"]


def test_what_came_is_kept_when_the_server_stays_silent(offer, server):
    target = offer("numbers.csv?cuts=99&after=0")
    part = target.with_name("numbers.csv.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:500])
    with pytest.raises(InputError, match=r"numbers\.csv is not on this machine.*was cut\)\.$"):
        published.find(FILE)
    assert server.asked == ["bytes=500-"] * 3
    assert part.read_bytes() == CONTENT[:500]


def test_a_server_without_ranges_sends_all_of_it_again(offer, server):
    offer("numbers.csv?cuts=1&after=30000&no_ranges=1")
    assert published.find(FILE).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=30000-"]


def test_what_is_left_of_another_file_is_thrown_away(offer, server):
    """A server that has less than was asked for answers 416."""
    target = offer("numbers.csv?page=1")
    part = target.with_name("numbers.csv.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:70_000])
    with pytest.raises(InputError, match=r"\(26 bytes, expected 100000\)"):
        published.find(FILE)
    assert server.asked == ["bytes=70000-", None]


@pytest.mark.parametrize(
    ("fault", "told", "kept"),
    [
        ("wrong=1", rf"\(sha256 .*, expected {SHA256[:16]}\.\.\.\)", CONTENT[:-1] + b"?"),
        ("page=1", r"\(26 bytes, expected 100000\)", b"<html>please log in</html>"),
    ],
)
def test_a_wrong_file_is_refused_and_kept_aside(offer, fault, told, kept):
    target = offer(f"numbers.csv?{fault}")
    with pytest.raises(InputError, match=rf"sent another file than numbers\.csv {told}") as error:
        published.find(FILE)
    bad = target.with_name("numbers.csv.bad")
    assert f"kept as {bad}" in str(error.value) and f"put the published file at {target}" in str(
        error.value
    )
    assert bad.read_bytes() == kept
    assert not target.exists() and list(target.parent.glob("*.part")) == []


def test_an_address_that_is_gone_is_told_at_once(offer, server):
    target = offer("gone")
    with pytest.raises(InputError, match=r"failed \(HTTP 404 Not Found\)\.$") as error:
        published.find(FILE)
    assert server.asked == [None]
    assert f"put it into one of {target.parent}," in str(error.value)


@pytest.mark.parametrize("why", ["no server", "DLKIT_OFFLINE"])
def test_offline_one_sentence_says_where_the_file_may_be_put(offer, server, monkeypatch, why):
    if why == "no server":
        monkeypatch.setattr(server, "server_port", 1)  # nobody answers there
        reason = "Connection refused"
    else:
        monkeypatch.setenv("DLKIT_OFFLINE", "1")
        reason = "DLKIT_OFFLINE is set"
    target = offer("numbers.csv")
    with pytest.raises(InputError, match=rf"put it into one of .*failed \(.*{reason}\)\.$") as e:
        published.find(FILE)
    assert str(target.parent) in str(e.value)
    assert server.asked == []


def test_a_damaged_file_in_the_cache_is_kept_aside_and_fetched_again(offer, server, monkeypatch):
    target = offer("numbers.csv")
    published.find(FILE)
    target.write_bytes(CONTENT[:-1] + b"!")  # the same size
    assert published.find(FILE).read_bytes() == CONTENT
    assert target.with_name("numbers.csv.bad").read_bytes() == CONTENT[:-1] + b"!"
    assert server.asked == [None, None]
    target.write_bytes(CONTENT[:9])
    monkeypatch.setenv("DLKIT_OFFLINE", "1")
    with pytest.raises(InputError, match=r"is not the published file \(9 bytes, expected 100000\)"):
        published.find(FILE)


def test_a_file_that_was_put_into_the_cache_is_read_for_its_checksum_once(offer, monkeypatch):
    target = offer("gone")
    target.parent.mkdir(parents=True)
    target.write_bytes(CONTENT)
    assert published.find(FILE) == target
    monkeypatch.setattr(downloads, "difference", None)  # would fail, if it were called
    assert published.find(FILE) == target


def test_the_folder_of_the_user_is_taken_as_it_is(offer, tmp_path, monkeypatch):
    offer("gone")
    path = tmp_path / FILE
    path.parent.mkdir()
    path.write_text("another,edition\n")
    monkeypatch.setenv("DLKIT_DATA", str(tmp_path))
    assert published.find(FILE) == path


def test_two_at_once_download_once(offer, server):
    target = offer("numbers.csv")
    found = []
    threads = [threading.Thread(target=lambda: found.append(published.find(FILE))) for _ in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [target] * 3 and target.read_bytes() == CONTENT
    assert server.asked == [None]


def test_a_terminal_sees_a_bar(offer, monkeypatch, capfd):
    monkeypatch.setenv("FORCE_COLOR", "1")
    offer("numbers.csv")
    published.find(FILE)
    assert "numbers.csv" in capfd.readouterr().err
