"""gzip by itself, and an answer of a server; test_conformance.py sends requests in gzip."""

import gzip
import json

import numpy as np
import pytest

from dlkit.serving.rest_api.compression import LEAST_BYTES, accepts_gzip, is_gzip, pack, unpack
from tests.serving.growth import MOST, doubling
from tests.serving.http_asking import ask

ROWS = np.random.default_rng(0).random(2000).tolist()


@pytest.mark.parametrize(
    ("offer", "accepted"),
    [
        (b"gzip", True),
        (b"GZIP", True),
        (b"x-gzip", True),
        (b"deflate, gzip", True),
        (b"gzip, deflate, br, zstd", True),
        (b"br;q=1.0, gzip;q=0.8", True),
        (b"gzip ; q=0.001 , br", True),
        (b"gzip;q=0", False),
        (b"identity, gzip;q=0.000", False),
        (b"", False),
        (b"identity", False),
        (b"notgzip", False),
        (b"gzipped", False),
    ],
)
def test_what_is_offered(offer, accepted):
    assert accepts_gzip(offer) is accepted


def test_it_is_gzip_for_others():
    assert gzip.decompress(pack(b"abc" * 9999)) == b"abc" * 9999
    assert unpack(gzip.compress(b"abc"), 3) == b"abc"


def test_members_are_one_body():
    """As `cat a.gz b.gz` makes them (RFC 1952)."""
    members = [gzip.compress(b"%d," % n * n) for n in range(300)]
    body = b"".join(b"%d," % n * n for n in range(300))
    assert unpack(b"".join(members), len(body)) == body == gzip.decompress(b"".join(members))
    assert unpack(b"".join(members), len(body) - 1) == b""
    assert unpack(b"".join(members) + b"\0\0", len(body)) == body
    assert unpack(b"".join(members)[:-1], len(body)) == b""
    assert unpack(gzip.compress(b"a") + b"\x1f\x8bno", 99) == b""
    assert unpack(gzip.compress(b"") + gzip.compress(b"a"), 1) == b"a"
    assert unpack(gzip.compress(b"a") + gzip.compress(b""), 1) == b"a"


@pytest.mark.parametrize("member", [b"", b"a", b" " * 3000])
def test_members_take_linear_time(member):
    packed = gzip.compress(member)
    assert doubling(lambda body: unpack(body, 2**30), lambda n: packed * n, 100) <= MOST


@pytest.mark.parametrize(
    ("value", "packed"), [(b"gzip", True), (b"GZip", True), (b"x-gzip", True), (b"br", False)]
)
def test_which_requests_are_packed(value, packed):
    assert is_gzip([(b"accept", b"gzip"), (b"content-encoding", value)]) is packed
    assert not is_gzip([])


def test_unpacking_ends_at_the_limit():
    """A gigabyte of spaces is a megabyte of gzip; what is unpacked of it fits the limit."""
    assert unpack(gzip.compress(b" " * 10**7), 10**7 - 1) == b""
    assert len(unpack(gzip.compress(b" " * 10**7), 10**7)) == 10**7
    assert unpack(gzip.compress(b"abc")[:-1], 99) == b""
    assert unpack(b"abc", 99) == b""


def test_g5_answers_are_packed_for_who_offers_it(sink_url):
    plain = ask(sink_url, "POST", ":predict", body={"instances": ROWS})
    assert "content-encoding" not in plain.headers
    assert len(plain.body) > LEAST_BYTES
    packed = ask(
        sink_url,
        "POST",
        ":predict",
        body={"instances": ROWS},
        headers={"Accept-Encoding": "deflate, gzip"},
    )
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "Accept-Encoding"
    assert int(packed.headers["content-length"]) == len(packed.body) < len(plain.body) / 2
    assert json.loads(gzip.decompress(packed.body)) == plain.json


def test_small_answers_and_errors_are_not(sink_url):
    for body in ({"instances": [1.0]}, {}):
        answer = ask(sink_url, "POST", ":predict", body=body, headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in answer.headers
        assert answer.json
