import json
from collections import Counter
from random import Random

import numpy as np
import pytest

from dlkit.serving.core.status import StatusError
from dlkit.serving.inference.calls import answer_request
from dlkit.serving.runtimes.tensorflow_model import SavedModel
from dlkit.serving.versions.served_model import ServedModel
from dlkit.serving.wire.rest_json.predict import PREDICT


@pytest.fixture(scope="module")
def models(sink):
    model = ServedModel("sink", sink, SavedModel)
    model.poll()
    yield {"sink": model}
    model.close()


def predict(models, name, wanted, body):
    return answer_request(models, name, wanted, PREDICT, body)


def test_from_bytes_to_bytes(models):
    body = b'{"signature_name": "pair", "instances": [{"a": [1, 2], "b": 3}]}'
    found = json.loads(predict(models, "sink", None, body))
    assert found == {"predictions": [{"sum": 4.0, "scaled": [2.0, 4.0]}]}


def test_random_arrays_go_both_ways_through_json(models):
    """Random arrays through both formats equal the model's own answer."""
    random = np.random.default_rng(0)
    for _ in range(50):
        shape = tuple(random.integers(1, 5, random.integers(1, 4)))
        x = (random.standard_normal(shape) * 10.0 ** random.integers(-20, 20)).astype("float32")
        for key, answer in (("instances", "predictions"), ("inputs", "outputs")):
            body = json.dumps({"signature_name": "any", key: x.tolist()}).encode()
            found = json.loads(predict(models, "sink", 2, body))[answer]
            np.testing.assert_array_equal(np.array(found, "float32"), x * 2)


LEAVES = [
    *(0, 1, -1, 1.5, 1e300, 10**30, 2**63, float("nan"), True, False, None, "a", "\ud800", {}, []),
    *({"b64": "YQ=="}, {"b64": "*"}, {"b64": 1}, {"x": 1}, {"a": [1, 2], "b": 3}, {"text": "a"}),
]
SCRAPS = [b"[", b"]", b"{", b"}", b",", b'"', b"NaN", b"true", b"\\ud800", b"-", b"e", b"\xff", b""]


def random_value(random, depth=0):
    kind = random.random()
    if depth > 4 or kind < 0.4:
        return random.choice(LEAVES)
    if kind < 0.6:
        return [random_value(random, depth + 1)] * random.randrange(4)
    if kind < 0.8:
        return [random_value(random, depth + 1) for _ in range(random.randrange(4))]
    return {name: random_value(random, depth + 1) for name in random.sample("abxhn", 2)}


def test_no_request_is_a_bug(models):
    """Twenty thousand random and broken bodies: an answer, or an error that was meant."""
    random = Random(0)
    with models["sink"].use() as version:
        signatures = [*version.runtime.signatures, "nope", ""]
    codes = Counter()
    for _ in range(20_000):
        document = {"signature_name": random.choice(signatures)}
        document[random.choice(["instances", "inputs"])] = random_value(random)
        body = json.dumps(document).encode()
        if random.random() < 0.4:
            at = random.randrange(len(body))
            body = body[:at] + random.choice(SCRAPS) + body[at + random.randrange(3) :]
        try:
            json.loads(predict(models, "sink", None, body))
            codes["OK"] += 1
        except StatusError as error:
            codes[error.code] += 1
    assert codes.keys() == {"OK", "INVALID_ARGUMENT", "UNIMPLEMENTED"}
    assert codes["OK"] > 500


@pytest.mark.parametrize(
    ("name", "number", "body", "error", "hint"),
    [
        ("sin", None, b"{}", "Latest(sin)", "This server has: sink. Did you mean 'sink'?"),
        ("sin", 7, b"{}", "Specific(sin, 7)", "This server has: sink. Did you mean 'sink'?"),
        ("sink", 7, b"{}", "Specific(sink, 7)", None),
        ("sin", None, b"[]", "JSON Value: [] Is not object", None),
        ("sink", None, b"{}", "Missing 'inputs' or 'instances' key", 'Send {"instances": [...]}'),
        ("sink", None, b'{"instances": [[1], [2]]}', None, "takes shape [-1] but got: [2,1]."),
    ],
)
def test_errors_and_their_hints(models, name, number, body, error, hint):
    if error is None:  # an affine map takes any shape: TensorFlow decides, not the signature
        assert predict(models, name, number, body) == b'{"predictions":[[2.5],[3.0]]}'
        return
    with pytest.raises(StatusError) as caught:
        predict(models, name, number, body)
    assert error in caught.value.message
    assert caught.value.hint is None if hint is None else hint in caught.value.hint


def test_a_failing_request_lets_go_of_its_version(models):
    with pytest.raises(StatusError):
        predict(models, "sink", None, b"{}")
    assert models["sink"]._versions[2].users == 0
