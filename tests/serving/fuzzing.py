"""Bad requests, many of them, over REST and gRPC, with what a server may answer to them.

    python -m tests.serving.fuzzing --count 50000

has what reads clients' texts read as many that grow (`slow_texts`), starts a server of the
conformance tests' model, has Schemathesis make requests of its OpenAPI document, right and wrong
ones, sends so many more made by chance here, and fails for a text that takes more than linear time,
an answer that is not documented, a lost server, or one that answers otherwise after that.
"""

import argparse
import contextlib
import copy
import gzip
import http.client
import json
import math
import os
import pathlib
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field

import grpc
import numpy as np
import psutil
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    predict_pb2,
    regression_pb2,
)

from dlkit.serving import Server
from dlkit.serving.wire.protobuf.tensors import to_proto
from tests.serving import saved_models, slow_texts
from tests.serving.http_asking import predict

# What TensorFlow Serving's statuses and HTTP have for a mistake of the client, and the 5xx that
# /openapi.json lists: a dtype that JSON cannot carry, a full queue, a prediction past its time.
ALLOWED = {200, 400, 401, 403, 404, 408, 413, 414, 431, 501, 503, 504}
_REFUSALS = (
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "FAILED_PRECONDITION",
    "UNIMPLEMENTED",
    "OUT_OF_RANGE",
)
_UNREADABLE = "Exception deserializing request!"  # gRPC's own, INTERNAL in every language
_SECONDS = 60
_ROOT = pathlib.Path(__file__).parents[2]

_BODIES = [
    {"instances": [1.0, 2.0, 5.0]},
    {"inputs": [3.0, 4.0]},
    {"instances": [{"x": 1.0}, {"x": 2.0}]},
    {"inputs": {"x": [1.0]}},
    {"signature_name": "pair", "instances": [{"a": [1, 2], "b": 3}]},
    {"signature_name": "pair", "inputs": {"a": [[1, 2]], "b": [3]}},
    {"signature_name": "text", "instances": ["a", {"b64": "YWI="}]},
    {"signature_name": "grid", "inputs": [["a", {"b64": "YWI="}]]},
    {"signature_name": "image", "instances": [[[1, 2], [3, 4]]]},
    {"signature_name": "scalar", "inputs": 1.5},
    {"signature_name": "any", "instances": [[[1.0]], [[2.0]]]},
    {"signature_name": "kinds", "inputs": {"i64": [1], "flag": [True]}},
    {"signature_name": "half", "inputs": [1.0]},
    {"signature_name": "uneven", "instances": [1.0, 2.0]},
    {"signature_name": "regress_x_to_y", "examples": [{"x": 80.0}]},
    {"signature_name": "classify_names", "examples": [{"names": ["a", "b"], "f": 1.0, "i": 2}]},
    {"model_config_list": {"config": [{"name": "a", "base_path": "relative"}]}},
    {"base_path": "/nonexistent", "version_labels": {"a": 1}},
]
_PATHS = [
    *("/v1/models/sink:predict",) * 8,
    *("/v1/models/sink:classify", "/v1/models/sink:regress", "/v1/models/sink/versions/2:predict"),
    *("/v1/models/sink/labels/x:predict", "/v1/models/sink", "/v1/models/sink/metadata"),
    *("/v1/models/nothing:predict", "/v1/models", "/v1/", "/", "/healthz", "/readyz", "/docs"),
    *("/openapi.json", "/dlkit/v1/models/a", "/dlkit/v1/models/a:reload"),
]
_METHODS = (*("POST",) * 12, "GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
_HEADERS = (
    *({},) * 8,
    {"Content-Encoding": "gzip"},
    {"Content-Encoding": "GZIP"},
    {"Content-Encoding": "br"},
    {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQ"},
    {"host": "another"},
    {"Accept-Encoding": "gzip;q=x, *"},
    {"Content-Type": "text/plain"},
    {"Origin": "null"},
    {"Authorization": "Bearer"},
    {"Expect": "100-continue"},
    {"X": "y" * 9000},
)
# What stands for a number in a text: no JSON writer makes these.
_TEXTS = (
    *(b"Inf", b"-Inf", b"-NaN", b"Infinit", b"1e400", b"-1e400", b"1e-400", b"-0", b"01", b"1."),
    *(b"1" * 20, b"-" + b"9" * 400, b"1" * 5000, b"0." + b"1" * 5000, b"[NaN, %b]" % (b"9" * 5000)),
    *(
        b'"' + b'\\"' * 9000,
        b'"' + b"\\" * 9000,
        b'"\\ud83d"',
        b'"\\ud83d\\ude00"',
        b'"\xef\xbb\xbf"',
    ),
    *(b"[" * 1200 + b'"' + b'\\"' * 9000, b"[],", b" " * 9000, b'"x' + b"y" * 9000 + b'"'),
)
_DEPTHS = (
    *(30, 31, 32, 33, 62, 63, 64, 65, 100, 254, 255, 299, 300, 301, 900, 970, 980, 982, 985, 990),
    *(999, 1000, 1023, 1024, 1025, 100_000),
)
_ODD = (
    *(None, True, False, 0, -1, 1.5, 1e308, -0.0, 2**31, 2**63, 2**64, 10**400, "", "x"),
    *("\x00", "é", "\ud800", "NaN", math.nan, math.inf, -math.inf, [], {}, [[]], [{}], [1, [2]]),
    *({"b64": "YQ=="}, {"b64": "!"}, {"b64": 1}, {"b64": "YQ==", "c": 1}, [0] * 2000, "y" * 5000),
)


@dataclass
class Faults:
    """What a run has found.

    Args:
        sent: How many requests have been sent.
        statuses: How often each answer came.
        found: What should not be.
    """

    sent: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)

    def count(self, answer, fault=""):
        self.sent += 1
        self.statuses[str(answer)] = self.statuses.get(str(answer), 0) + 1
        if fault:
            self.found.append(fault)


# ------------------------------------------------------------------ requests by chance


def body(chance):
    """Return bytes: a good body, changed as a value, then maybe as text."""
    value = copy.deepcopy(chance.choice(_BODIES))
    for _ in range(chance.choice((0, 1, 1, 1, 2, 5))):
        value = changed(chance, value)
    text = json.dumps(value).encode("utf-8", "surrogatepass")
    if chance.random() < 0.3:
        text = garbled(chance, text)
    if chance.random() < 0.05:
        depth, beside = chance.choice(_DEPTHS), chance.choice((b"", b"1", *_TEXTS))
        opening, closing = chance.choice(((b"[", b"]"), (b'{"a":', b"}")))
        deep = opening * depth + beside + closing * chance.choice((depth, depth, depth - 1))
        text = text.replace(b"1.0", chance.choice((deep, b"NaN, " + deep, deep + b", NaN")))
    if chance.random() < 0.05:
        text = text.replace(b"1.0", chance.choice(_TEXTS))
    return b"\xef\xbb\xbf" + text if chance.random() < 0.01 else text


def changed(chance, value):
    """Return a JSON value with one of its parts replaced, left out, doubled or wrapped."""
    holders, stack = [], [value]
    while stack:
        found = stack.pop()
        if isinstance(found, dict | list) and found:
            holders.append(found)
            stack += found.values() if isinstance(found, dict) else found
    if not holders or chance.random() < 0.05:
        return copy.deepcopy(chance.choice(_ODD))
    holder = chance.choice(holders)
    key = chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    how = chance.randrange(5)
    if how == 0:
        del holder[key]
    elif how == 1 and isinstance(holder, list):
        holder.insert(0, copy.deepcopy(holder[key]))
    elif how == 2:
        holder[key] = [copy.deepcopy(holder[key])]
    elif how == 3 and isinstance(holder, dict):
        holder[chance.choice(("x", "instances", "inputs", "signature_name", "ü"))] = holder.pop(key)
    else:
        holder[key] = copy.deepcopy(chance.choice(_ODD))
    return value


def garbled(chance, text):
    """Return bytes with some of them changed, left out, doubled or cut off."""
    data = bytearray(text)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(len(data) + 1)
        how = chance.randrange(4)
        if how == 0:
            data[at : at + 1] = bytes([chance.randrange(256)])
        elif how == 1:
            del data[at : at + chance.randrange(1, 6)]
        elif how == 2:
            data[at:at] = data[at : at + 20]
        else:
            data[at:at] = chance.choice((b"\x00", b"{", b"[", b'"', b"\\", b"\xff", b"e", b"1e9"))
    return bytes(data[: chance.randrange(len(data) + 1)] if chance.random() < 0.1 else data)


def path(chance):
    """Return a path of visible ASCII, as HTTP wants it."""
    found = chance.choice(_PATHS)
    while chance.random() < 0.25:
        at = chance.randrange(len(found) + 1)
        piece = chance.choice(
            ("%2f", "%00", "%ff", "..", "//", "?a=b", ":", "%", "9" * 30, "{", "m" * 9000)
        )
        found = found[:at] + chance.choice((piece, chr(chance.randrange(33, 127)))) + found[at:]
    return found if found.startswith("/") else "/" + found


def request(chance):
    """Return the method and the bytes of a whole HTTP request."""
    method, headers, content = chance.choice(_METHODS), dict(chance.choice(_HEADERS)), body(chance)
    if headers.get("Content-Encoding", "").lower() == "gzip" and chance.random() < 0.8:
        cut = chance.choice((0, len(content) // 2))  # one member or two
        content = gzip.compress(content[:cut], 1) * (cut > 0) + gzip.compress(content[cut:], 1)
        content = garbled(chance, content) if chance.random() < 0.5 else content
    headers["Content-Length"] = len(content)
    lines = [f"{method} {path(chance)} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return method, "\r\n".join([*lines, "", ""]).encode() + content


# ------------------------------------------------------------------ over REST


def fuzz_rest(port, seed, count, faults):
    """Send `count` requests over as few connections as the server allows."""
    chance, connection = random.Random(seed), None
    for _ in range(count):
        method, sent = request(chance)
        try:
            connection = connection or socket.create_connection(("127.0.0.1", port), _SECONDS)
            status, headers, content = _exchange(connection, method, sent)
        except (OSError, http.client.HTTPException) as error:
            faults.count("lost", f"{error!r} after {sent[:300]!r}")
            connection = None
            continue
        faults.count(status, _fault(method, sent, status, content))
        if headers.get("connection", "").lower() == "close":
            connection.close()
            connection = None
    if connection is not None:
        connection.close()


def _exchange(connection, method, sent):
    connection.sendall(sent)
    answer = http.client.HTTPResponse(connection, method=method)
    answer.begin()
    content = answer.read()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content


def _fault(method, sent, status, content):
    """Return what is wrong with an answer; nothing where it may be so."""
    if status not in ALLOWED:
        return f"{status} {content[:300]!r} for {sent[:600]!r}"
    target = sent.split(b" ", 2)[1]
    if method in ("HEAD", "OPTIONS") or status == 200 or not target.lower().startswith(b"/v1/"):
        return ""
    try:
        if isinstance(json.loads(content)["error"], str):
            return ""
    except (ValueError, KeyError, TypeError):
        pass
    return f"{status} without an error in JSON: {content[:300]!r} for {sent[:600]!r}"


# ------------------------------------------------------------------ over gRPC

_SPEC = {"name": "sink"}
_MESSAGES = {
    "Predict": lambda chance: predict_request(chance),
    "Classify": lambda chance: examples_request(chance, classification_pb2.ClassificationRequest),
    "Regress": lambda chance: examples_request(chance, regression_pb2.RegressionRequest),
    "MultiInference": lambda chance: examples_request(chance, inference_pb2.MultiInferenceRequest),
    "GetModelMetadata": lambda chance: get_model_metadata_pb2.GetModelMetadataRequest(
        model_spec=_SPEC, metadata_field=chance.choices(("signature_def", "x", ""), k=1)
    ),
    "GetModelStatus": lambda chance: get_model_status_pb2.GetModelStatusRequest(
        model_spec={"name": chance.choice(("sink", "x", ""))}
    ),
}


def predict_request(chance):
    """Return a predict request whose tensors are what they should not be."""
    signature = chance.choice(("", "pair", "text", "scalar", "any", "kinds", "half", "nothing"))
    message = predict_pb2.PredictRequest(model_spec={**_SPEC, "signature_name": signature})
    for name in chance.sample(("x", "a", "b", "text", "i64", "flag", "h", ""), chance.randrange(3)):
        value = chance.choice((1.0, [1.0, 2.0], [[1]], ["a"], [True], np.zeros((0, 3))))
        tensor = to_proto(np.asarray(value), typed=chance.random() < 0.5)
        if chance.random() < 0.5:
            tensor.dtype = chance.choice((*range(30), 101, 119))
        if chance.random() < 0.4:
            dims = chance.choices((0, 1, 2, -1, 2**31, 2**40, 2**62), k=chance.randrange(4))
            del tensor.tensor_shape.dim[:]
            for size in dims:
                tensor.tensor_shape.dim.add(size=size)
        if chance.random() < 0.2:
            tensor.tensor_content = chance.randbytes(chance.randrange(20))
        message.inputs[name].CopyFrom(tensor)
    if chance.random() < 0.1:
        message.output_filter.extend(chance.choices(("y", "sum", "x", ""), k=2))
    return message


def examples_request(chance, kind):
    """Return a request with tf.Examples, some of them none."""
    message = kind()
    for _ in range(chance.randrange(3)):
        example = message.input.example_list.examples.add()
        for name in chance.sample(("x", "names", "f", "i"), chance.randrange(4)):
            feature = example.features.feature[name]
            which = chance.randrange(4)
            if which == 0:
                feature.float_list.value.extend([1.0] * chance.randrange(3))
            elif which == 1:
                feature.int64_list.value.extend([1] * chance.randrange(3))
            elif which == 2:
                feature.bytes_list.value.extend([b"\xff"] * chance.randrange(3))
    names = ("classify_x_to_y", "classify_names", "regress_x_to_y", "serving_default", "x", "")
    if kind is inference_pb2.MultiInferenceRequest:
        for _ in range(chance.randrange(3)):
            method = chance.choice(("classify", "regress", "predict", ""))
            task = message.tasks.add(method_name=f"tensorflow/serving/{method}")
            task.model_spec.name = "sink"
            task.model_spec.signature_name = chance.choice(names)
    else:
        message.model_spec.name = "sink"
        message.model_spec.signature_name = chance.choice(names)
    return message


def fuzz_grpc(target, seed, count, faults):
    """Send `count` messages, a third of them with bytes changed."""
    chance = random.Random(seed)
    with grpc.insecure_channel(target, [("grpc.enable_http_proxy", 0)]) as channel:
        for _ in range(count):
            method = chance.choice((*("Predict",) * 5, *_MESSAGES))
            content = _MESSAGES[method](chance).SerializeToString()
            if chance.random() < 0.3:
                content = garbled(chance, content)
            service = "ModelService" if method == "GetModelStatus" else "PredictionService"
            call = channel.unary_unary(f"/tensorflow.serving.{service}/{method}")
            try:
                call(content, timeout=_SECONDS)
                faults.count("OK")
            except grpc.RpcError as error:
                name, details = error.code().name, error.details()
                known = name in _REFUSALS or (name == "INTERNAL" and details == _UNREADABLE)
                faults.count(name, "" if known else f"{name} {details} for {method} {content!r}")


# ------------------------------------------------------------------ by the OpenAPI document

_CHECKS = ("status_code_conformance", "content_type_conformance")
_SHAPES = "finite_response_schema_conformance"
_HOOKS = {"SCHEMATHESIS_HOOKS": "tests.serving.schemathesis_checks"}


def fuzz_documented(url, seed, examples, mode):
    """Have Schemathesis send requests; return how many there were, its exit status and its report.

    Args:
        url: The server's.
        seed: The seed.
        examples: How many requests each operation gets at most.
        mode: "positive" for those of the document, "negative" for others. An answer to a wrong
            shape may have a wrong shape, so that answers to the latter are checked less.
    """
    checks = [*_CHECKS, _SHAPES] if mode == "positive" else _CHECKS
    options = {"checks": ",".join(checks), "max-examples": examples, "seed": seed, "mode": mode}
    options |= {"phases": "fuzzing", "suppress-health-check": "all", "request-timeout": _SECONDS}
    flags = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "schemathesis.cli", "run", *flags]
    with tempfile.TemporaryDirectory() as folder:  # it keeps what it has found
        done = subprocess.run(
            [*command, "--no-color", f"{url.partition('/v1/')[0]}/openapi.json"],
            cwd=folder,
            env={**os.environ, **_HOOKS, "PYTHONPATH": str(_ROOT)},
            capture_output=True,
            text=True,
        )
    cases = re.search(r"(\d+) generated", done.stdout)
    return int(cases[1]) if cases else 0, done.returncode, done.stdout + done.stderr


# ------------------------------------------------------------------ a whole run


def good_answers(url):
    """Return what the server says to good requests."""
    bodies = [content for content in _BODIES if {"instances", "inputs"} & set(content)]
    return [predict(url, content).body for content in bodies]


@contextlib.contextmanager
def served():
    """A server of its own, with the models of the conformance tests and all doors open."""
    with tempfile.TemporaryDirectory() as folder:
        base = pathlib.Path(folder) / "sink"
        saved_models.affine(base / "1", factor=10.0, offset=0.0)
        saved_models.sink(base / "2")
        options = {"num_versions": 2, "timeout_seconds": 5.0, "admin": True}
        with Server(base, rest_port=0, grpc_port=0, **options) as server:
            yield server


def fuzz(server, count, seed, workers=4):
    """Send `count` bad requests, a quarter of them over gRPC; return what came of them."""
    before, parts = good_answers(server.url), []
    port = int(re.search(r":(\d+)/", server.url)[1])
    for worker in range(workers):
        share = (worker + 1) * count // workers - worker * count // workers
        work, where = (fuzz_rest, port) if worker else (fuzz_grpc, server.grpc_target)
        faults = Faults()
        arguments = (where, seed * 1000 + worker, share, faults)
        parts.append((faults, threading.Thread(target=work, args=arguments)))
    for _, thread in parts:
        thread.start()
    for _, thread in parts:
        thread.join()
    total = Faults()
    for faults, _ in parts:
        total.sent += faults.sent
        total.found += faults.found
        for status, times in faults.statuses.items():
            total.statuses[status] = total.statuses.get(status, 0) + times
    if good_answers(server.url) != before:
        total.found.append("a good request is answered otherwise than before")
    return total


def main():
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--examples", type=int, default=200, help="of Schemathesis, an operation")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    start, slow = time.monotonic(), slow_texts.fuzz(options.count, options.seed)
    print(f"{options.count} texts that grow, {time.monotonic() - start:.0f} s; {len(slow)} faults")
    print("".join(f"{fault}\n" for fault in slow[:20]), end="")
    start, failed = time.monotonic(), bool(slow)
    with served() as server:
        for mode in ("positive", "negative"):
            cases, status, report = fuzz_documented(
                server.url, options.seed, options.examples, mode
            )
            print(f"Schemathesis, {mode}: {cases} requests, {'faults' if status else 'no fault'}")
            print(report if status else "", end="")
            failed |= status != 0
        faults = fuzz(server, options.count, options.seed)
        megabytes = psutil.Process(server.pid).memory_info().rss / 2**20
    print(f"{faults.sent} bad requests, {time.monotonic() - start:.0f} s; {megabytes:.0f} MiB")
    print(", ".join(f"{status}: {times}" for status, times in sorted(faults.statuses.items())))
    for fault in faults.found[:20]:
        print(fault)
    print(f"{len(faults.found)} faults")
    return 1 if faults.found or failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
