"""Whatever reads what clients send, fed with texts that grow: twice as long, twice the time.

    {"instances": [  +  \\" \\" \\" ... \\"  +  ]}    the beginning of a good text, pieces, an end

All of it runs in this process, without a server before it.
"""

import contextlib
import random
import time

from dlkit.serving.core import hints
from dlkit.serving.core.signatures import Signature, TensorInfo
from dlkit.serving.core.status import StatusError
from dlkit.serving.observability import rest_metrics
from dlkit.serving.rest_api import admin, app, compression, fast_path
from dlkit.serving.security.api_keys import ApiKeys
from dlkit.serving.wire.rest_json import numbers
from dlkit.serving.wire.rest_json.classify_regress import read_examples
from dlkit.serving.wire.rest_json.requests import decode_request, read_at_once, read_request
from tests.serving.growth import MOST, doubling

_SHORT, _DOUBLINGS = 4000, 3  # bytes
_LEAST_SECONDS = 0.002  # below it the time goes by the memory that there happens to be
_FLOATS = {"x": TensorInfo("DT_FLOAT", (-1,))}
_SEVERAL = {"a": TensorInfo("DT_INT32"), "b": TensorInfo("DT_STRING"), "c": TensorInfo("DT_BOOL")}
_SIGNATURE = Signature(_SEVERAL, _FLOATS, "tensorflow/serving/predict")
_KEYS = ApiKeys([b"correct horse battery staple"])


def _predict(infos):
    def read(body):
        numbers._shape_again.cache_clear()
        decode_request(read_at_once(body) or read_request(body), infos)

    return read


def _classify(body):
    read_examples(read_request(body).document, "classify")


def _path(text):
    path = text.decode("latin-1")
    rest_metrics.count_rest_request(path, "OK", 0.0)
    hints.for_path("POST", path, ["m"])
    for pattern in (app.PREDICTION, app._STATUS):
        if match := pattern.fullmatch(path):
            app.wanted_version(match)
    if match := admin._MODEL.fullmatch(path):
        admin.check_name(match["name"])


def _headers(text):
    compression.accepts_gzip(text)
    compression.is_gzip([(b"content-encoding", text)])
    admin.is_of_this_machine({"headers": [(b"host", text)]})
    _KEYS.accept([(b"authorization", text), (b"x-api-key", text)])
    list(fast_path._LENGTH.finditer(text))


def _message(text):
    message = text.decode("latin-1")
    hints.for_request(message, _SIGNATURE)
    hints.for_examples(message)
    hints.for_model(message, ["half_plus_two"])
    app.refusal(StatusError("INVALID_ARGUMENT", message, message))


def _packed(text):
    compression.unpack(text, 2**20)
    compression.unpack(compression.pack(text) + text, 2**20)


_BODIES = (
    b'{"signature_name": "a", "instances": [[1.0, NaN], [-2e5, "x"]]}',
    b'{"instances": [{"a": 1, "b": {"b64": "YQ=="}, "c": true}, {"a": 2, "b": "\\u00e9", "c": 1}]}',
    b'{"inputs": {"a": [[1], [2]], "b": [["x"]], "c": [false]}, "more": null}',
)
_EXAMPLES = (b'{"context": {"a": 1}, "examples": [{"x": [1.5, 2]}, {"y": "z", "w": Infinity}]}',)
_PATHS = (
    b"/v1/models/m/versions/12:predict",
    b"/v1/models/m/labels/x/metadata",
    b"/dlkit/v1/models/m:reload",
)
_HEADERS = (b"deflate, gzip;q=0.5, br", b"Bearer abc", b"[::1]:80", b"\r\nContent-Length: 5\r\n")
_MESSAGES = (
    b"Failed to process element: 1 key: a of 'instances' list. JSON Value: 1 is not of expected"
    b" type: float",
    b"Name: <unknown>, Feature: age (data type: float) is required but could not be found.",
)
READERS = {
    "floats": (_predict(_FLOATS), _BODIES),
    "several inputs": (_predict(_SEVERAL), _BODIES),
    "examples": (_classify, _EXAMPLES),
    "path": (_path, _PATHS),
    "headers": (_headers, _HEADERS),
    "message": (_message, _MESSAGES),
    "gzip": (_packed, (compression.pack(b"{}"), compression.pack(b"abc" * 999))),
}
_PIECES = (
    *(
        b'"',
        b'\\"',
        b"\\\\",
        b"\\",
        b"[",
        b"]",
        b"{",
        b"}",
        b",",
        b":",
        b" ",
        b"\t",
        b"\r\n",
        b"\0",
    ),
    *(b"1", b"0", b".", b"-", b"e9", b"1e400", b"9" * 30, b"1,", b"-0.5, ", b"[1],", b"[[", b"]]"),
    *(
        b"NaN",
        b"Inf",
        b"-Inf",
        b"-NaN",
        b"Infinity",
        b"true,",
        b"null,",
        b'"a":',
        b'{"a":',
        b'{"b64":',
    ),
    *(
        b"\\ud83d",
        b"\\ud83d\\ude00",
        b"\\u12",
        b"\xc3\xa9",
        b"\xef\xbb\xbf",
        b"\xff",
        b"x",
        b"YQ==",
    ),
    *(
        b"/",
        b"m",
        b"/v1/models/",
        b"/versions/",
        b"/labels/",
        b"/metadata",
        b":predict",
        b"%2f",
        b"%",
    ),
    *(
        b"gzip",
        b"x-gzip",
        b";q=",
        b"; ",
        b", ",
        b"Bearer ",
        b"::",
        b"\r\ncontent-length:",
        b"\x1f\x8b",
    ),
    *(
        b"Feature: ",
        b" (data type: ",
        b" is not of expected type: ",
        b"key: ",
        compression.pack(b""),
    ),
)
_DEEP = (*(b"",) * 7, b"[" * 1200, b'{"a":' * 1200, b'{"instances": ' + b"[" * 1200)


def case(chance):
    """Return the name of a reader and what makes a text of `n` bytes for it."""
    name = chance.choice(list(READERS))
    good = chance.choice(READERS[name][1])
    cut = chance.randrange(len(good) + 1)
    before = chance.choice(_DEEP) + good[:cut]
    again = b"".join(chance.choices(_PIECES, k=chance.choice((1, 1, 1, 2, 3))))
    after = chance.choice((b"", good[cut:], b"".join(chance.choices(_PIECES, k=2))))
    return name, lambda n: before + again * (n // len(again)) + after


def fault(name, make):
    """Return what is wrong with how a reader takes such texts; nothing where all is well."""

    def read(text):
        with contextlib.suppress(StatusError):
            READERS[name][0](text)

    seconds = []
    for size in (_SHORT, _SHORT << _DOUBLINGS):
        start = time.thread_time()
        try:
            read(make(size))
        except Exception as error:
            return f"{name}: {error!r:.200} for {make(100)[-300:]!r}"
        seconds.append(time.thread_time() - start)
    if seconds[1] < max(_LEAST_SECONDS, 2 * (1 << _DOUBLINGS) * seconds[0]):
        return ""
    # Not where it is short, since from some depth on another parser takes over.
    found = doubling(read, make, 4 * _SHORT, 2)
    return f"{name}: {found:.1f} times as long for each doubling of {make(100)[-300:]!r}" * (
        found > MOST
    )


def fuzz(count, seed):
    """Return what is wrong with how `count` texts by chance are read."""
    chance = random.Random(seed)
    return [found for _ in range(count) if (found := fault(*case(chance)))]
