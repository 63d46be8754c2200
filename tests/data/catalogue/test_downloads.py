"""Downloads from a real server on this machine, which can cut, lie, refuse and know no ranges."""

import contextlib
import hashlib
import http.server
import threading
import urllib.parse

import numpy as np
import pytest

import dlkit as dk
from dlkit.data.arrays import sources
from dlkit.data.arrays.sources import IDX_FILES
from dlkit.data.catalogue import cache, downloads
from dlkit.data.catalogue.published_files import PublishedFile
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
        self.send_response(206 if ranges or "unasked" in faults else 200)
        if ranges or "unasked" in faults:
            told = faults.get("told", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Range", told)
        body = body[start:] if ranges else body
        if "endless" in faults:
            return self.send_without_end()
        self.send_header("Content-Length", faults.get("length", str(len(body))))
        self.end_headers()
        if len(self.server.asked) <= int(faults.get("cuts", 0)):
            body = body[: int(faults["after"])]
        self.wfile.write(body)
        self.close_connection = True

    def send_without_end(self):
        self.end_headers()
        self.close_connection = True
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(CONTENT)
                self.server.sent += len(CONTENT)

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
    server.asked, server.sent = [], 0

    def publish(address):
        url = f"http://127.0.0.1:{server.server_port}/{address}"
        monkeypatch.setitem(cache.FILES, FILE, PublishedFile(len(CONTENT), SHA256, url))
        return cache.cache_folder() / FILE

    return publish


def test_a_file_is_downloaded_once(offer, server):
    target = offer("numbers.csv")
    assert cache.find_published(FILE) == target
    assert target.read_bytes() == CONTENT
    assert cache.find_published(FILE) == target
    assert server.asked == [None]
    assert list(target.parent.glob("*.part")) == []


def test_a_connection_that_is_cut_is_taken_up_where_it_broke_off(offer, server):
    target = offer("numbers.csv?cuts=2&after=30000")
    assert cache.find_published(FILE).read_bytes() == CONTENT
    assert target.is_file()
    assert server.asked == [None, "bytes=30000-", "bytes=60000-"]


def test_the_next_run_asks_for_the_rest_alone(offer, server):
    """A connection that brings nothing more is given up; what came is kept."""
    target = offer("numbers.csv?cuts=1&after=40000")
    part = target.with_name("numbers.csv.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:70_000])
    server.asked.append("of an earlier run")
    assert cache.find_published(FILE).read_bytes() == CONTENT
    assert server.asked[1:] == ["bytes=70000-"]


def test_what_came_is_kept_when_the_server_stays_silent(offer, server):
    target = offer("numbers.csv?cuts=99&after=0")
    part = target.with_name("numbers.csv.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:500])
    with pytest.raises(InputError, match=r"numbers\.csv is not on this machine.*was cut\)\.$"):
        cache.find_published(FILE)
    assert server.asked == ["bytes=500-"] * 3
    assert part.read_bytes() == CONTENT[:500]


def test_a_server_without_ranges_sends_all_of_it_again(offer, server):
    offer("numbers.csv?cuts=1&after=30000&no_ranges=1")
    assert cache.find_published(FILE).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=30000-"]


def test_what_is_left_of_another_file_is_thrown_away(offer, server):
    """A server that has less than was asked for answers 416."""
    target = offer("numbers.csv?page=1")
    part = target.with_name("numbers.csv.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:70_000])
    with pytest.raises(InputError, match=r"\(26 bytes, expected 100000\)"):
        cache.find_published(FILE)
    assert server.asked == ["bytes=70000-", None]


def test_no_more_is_taken_than_the_file_has(offer, server):
    target = offer("numbers.csv?endless=1")
    with pytest.raises(InputError, match=r"\(more than 100000 bytes, expected 100000\)"):
        cache.find_published(FILE)
    assert target.with_name("numbers.csv.bad").stat().st_size == len(CONTENT) + 1
    assert server.sent < 10 * 2**20  # what fits into the buffers of both ends


@pytest.mark.parametrize(
    "told", ["bytes 0-99999/100000", "bytes 70001-99999/100000", "bytes 70000-80000/80001", "?"]
)
def test_a_part_that_was_not_asked_for_is_not_put_behind_what_came(offer, server, told):
    """The whole file is asked for instead, once."""
    target = offer("numbers.csv?told=" + urllib.parse.quote(told))
    part = target.with_name("numbers.csv.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:70_000])
    assert cache.find_published(FILE).read_bytes() == CONTENT
    assert server.asked == ["bytes=70000-", None]


def test_a_server_that_cuts_and_knows_no_right_range_is_given_up(offer, server):
    offer("numbers.csv?cuts=9&after=30000&told=bytes+1-2/3")
    with pytest.raises(
        InputError, match=r"the server sent 'bytes 1-2/3', asked for 30000 to 99999"
    ):
        cache.find_published(FILE)
    assert server.asked == [None, "bytes=30000-", None, "bytes=30000-"]


def test_a_part_that_comes_unasked_is_refused(offer, server):
    target = offer("numbers.csv?unasked=1&told=bytes+5-9/100000")
    with pytest.raises(InputError, match=r"sent 'bytes 5-9/100000', asked for 0 to 99999\)"):
        cache.find_published(FILE)
    assert server.asked == [None] and not target.exists()


def test_a_length_that_is_no_number_is_not_waited_for(offer):
    offer("numbers.csv?length=plenty")
    assert cache.find_published(FILE).read_bytes() == CONTENT


def test_a_folder_that_cannot_be_written_is_told_in_the_sentence(offer, tmp_path):
    offer("numbers.csv")
    (tmp_path / "keras").write_text("a file where the cache should be")
    with pytest.raises(InputError, match=r"put it into one of .*failed \(.*Not a directory"):
        cache.find_published(FILE)


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
        cache.find_published(FILE)
    bad = target.with_name("numbers.csv.bad")
    assert f"kept as {bad}" in str(error.value) and f"put the published file at {target}" in str(
        error.value
    )
    assert bad.read_bytes() == kept
    assert not target.exists() and list(target.parent.glob("*.part")) == []


def test_an_address_that_is_gone_is_told_at_once(offer, server):
    target = offer("gone")
    with pytest.raises(InputError, match=r"failed \(HTTP 404 Not Found\)\.$") as error:
        cache.find_published(FILE)
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
        cache.find_published(FILE)
    assert str(target.parent) in str(e.value)
    assert server.asked == []


def test_a_damaged_file_in_the_cache_is_kept_aside_and_fetched_again(offer, server, monkeypatch):
    target = offer("numbers.csv")
    cache.find_published(FILE)
    target.write_bytes(CONTENT[:-1] + b"!")  # the same size
    assert cache.find_published(FILE).read_bytes() == CONTENT
    assert target.with_name("numbers.csv.bad").read_bytes() == CONTENT[:-1] + b"!"
    assert server.asked == [None, None]
    target.write_bytes(CONTENT[:9])
    monkeypatch.setenv("DLKIT_OFFLINE", "1")
    with pytest.raises(InputError, match=r"is not the published file \(9 bytes, expected 100000\)"):
        cache.find_published(FILE)


def test_a_file_that_was_put_into_the_cache_is_read_for_its_checksum_once(offer, monkeypatch):
    target = offer("gone")
    target.parent.mkdir(parents=True)
    target.write_bytes(CONTENT)
    assert cache.find_published(FILE) == target
    monkeypatch.setattr(downloads, "difference", None)  # would fail, if it were called
    assert cache.find_published(FILE) == target


def test_the_folder_of_the_user_is_taken_as_it_is(offer, tmp_path, monkeypatch):
    offer("gone")
    path = tmp_path / FILE
    path.parent.mkdir()
    path.write_text("another,edition\n")
    monkeypatch.setenv("DLKIT_DATA", str(tmp_path))
    assert cache.find_published(FILE) == path


def test_two_at_once_download_once(offer, server):
    target = offer("numbers.csv")
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(cache.find_published(FILE))) for _ in "abc"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [target] * 3 and target.read_bytes() == CONTENT
    assert server.asked == [None]


def test_a_terminal_sees_a_bar(offer, monkeypatch, capfd):
    monkeypatch.setenv("FORCE_COLOR", "1")
    offer("numbers.csv")
    cache.find_published(FILE)
    assert "numbers.csv" in capfd.readouterr().err


@pytest.fixture
def fashion(offer, server, monkeypatch, tmp_path):
    """Publish four small files as those of Fashion-MNIST; the server has CONTENT for each."""
    offer("")
    monkeypatch.setattr(sources, "DEBIAN_FOLDER", tmp_path / "debian")

    def publish(sha256):
        url = f"http://127.0.0.1:{server.server_port}/"
        files = {name: PublishedFile(len(CONTENT), sha256, url + name) for name in IDX_FILES}
        monkeypatch.setitem(sources.MNISTS, "fashion_mnist", files)

    return publish


def test_files_that_keras_offers_are_held_against_their_checksums(fashion, server):
    fashion(SHA256)
    with pytest.raises(InputError, match="not a whole gzipped idx file"):  # it is random bytes
        dk.data.load("fashion_mnist")
    assert server.asked == [None] * 4
    folder = cache.cache_folder().parent / "fashion-mnist"
    assert {path.name for path in folder.glob("*.gz")} == set(IDX_FILES)


def test_another_file_than_keras_offers_is_refused(fashion, server):
    fashion(SHA256[::-1])
    with pytest.raises(InputError, match=r"sent another file than train-images-idx3-ubyte\.gz"):
        dk.data.load("fashion_mnist")
    assert server.asked == [None]


def test_offline_nothing_is_asked_of_keras_address_either(fashion, server, monkeypatch):
    fashion(SHA256)
    monkeypatch.setenv("DLKIT_OFFLINE", "1")
    with pytest.raises(InputError, match=r"could not be downloaded \(DLKIT_OFFLINE is set\)"):
        dk.data.load("fashion_mnist")
    assert server.asked == []
