"""Every builder and every kind of data: built or loaded, exported, served, asked over REST.

One server has all the models, by the configuration file that `dk.export.promote` writes. What it
answers to raw input, over HTTP, is what Keras predicts from the prepared one.
"""

import base64
import dataclasses
import functools
import io
import os
import pickle

import filelock
import keras
import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

import dlkit as dk
from dlkit.serving import Client, Server
from tests.models.checks import batch, make
from tests.serving.http_asking import ask

BUILDERS = {f"builder_{info.name}": info for info in dk.models.list()}
ROWS = 2


def tones(folder, _):
    """Five recordings each of a low and a high tone, in noise."""
    random = np.random.default_rng(0)
    for name, pitch in (("low", 200), ("high", 900)):
        (folder / name).mkdir()
        for place in range(5):
            wave = np.sin(np.arange(8000) * 2 * np.pi * pitch / 8000) + random.normal(size=8000)
            (folder / name / f"{place}.wav").write_bytes(wav(wave.astype("float32") / 10))
    return dk.data.from_audio_folder(folder, sample_rate=8000, batch_size=2, val_fraction=0.0)


def sentences(*_):
    nouns = {"bird": "oiseau", "book": "livre", "boat": "bateau", "dog": "chien"}
    pairs = [
        (f"i see {count} {noun}s", f"je vois {count} {other}s")
        for count in range(2, 12)
        for noun, other in nouns.items()
    ]
    return dk.data.from_text_pairs(*zip(*pairs, strict=True), min_count=1, batch_size=4)


def ring(*_):
    """Nodes in a circle, of two halves; each holds its place."""
    edges = [(node, (node + 1) % 40) for node in range(40)]
    names = [f"node {node}" for node in range(40)]
    labels = [node // 20 for node in range(40)]
    return dk.data.from_graph(np.eye(40), edges, labels, node_names=names, batch_size=8)


def walks(*_):
    """Sums of random steps; whether they end above where they began."""
    x = np.random.default_rng(0).normal(size=(80, 12, 2)).cumsum(axis=1)
    return dk.data.from_arrays(x, (x[:, -1, 0] > 0).astype(int), batch_size=8)


# Kind of data -> how it is made, from a scratch folder and the folder of real data.
KINDS = {
    "features": lambda *_: dk.data.load("iris"),
    "image": lambda *_: dk.data.load("digits"),
    "table": lambda *_: dk.data.load("penguins"),
    "photos": lambda *_: dk.data.load("flowers", image_size=(32, 32)),
    "ratings": lambda *_: dk.data.load("movielens"),
    "boxes": lambda *_: dk.data.load("blood_cells", image_size=(48, 64)),
    "audio": tones,
    "series": lambda *_: dk.data.load("household_power"),
    "text": lambda *_: dk.data.load("sms_spam", encoding="tf_idf"),
    "tokens": lambda *_: dk.data.load("sentence_polarity"),
    "windows": lambda *_: dk.data.load("tiny_shakespeare"),
    "pairs": sentences,
    "graph": ring,
    "sequence": walks,
}


def network(data):
    """Return an untrained network of what the data gives, with a head for its task."""
    inputs = {
        name: keras.Input(spec.shape, dtype=spec.dtype.name, name=name)
        for name, spec in data.input_spec.items()
    }
    parts = []
    for tensor in inputs.values():
        x = keras.layers.Rescaling(0.1)(tensor)
        x = keras.layers.AveragePooling2D(4)(x) if len(x.shape) == 4 else x
        parts.append(keras.layers.Reshape((-1,))(x))
    x = keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
    x = keras.layers.Dense(8, "tanh")(x)
    inputs = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    if data.task == "detection":
        return keras.Model(inputs, {"boxes": keras.layers.Dense(4)(x)})
    units = 1 if data.task == "binary" else min(data.num_classes, 20)
    head = {"binary": "sigmoid", "regression": None}.get(data.task, "softmax")
    return keras.Model(inputs, keras.layers.Dense(units, head, name="predictions")(x))


@dataclasses.dataclass
class Served:
    """What a model is asked, raw, and what Keras predicts from it prepared."""

    raw: object
    expected: np.ndarray
    task: str
    class_names: list | None


@pytest.fixture(scope="session")
def folder(tmp_path_factory, shared_data):
    """All models, exported once for all workers, and `served` by name beside them."""
    folder = tmp_path_factory.getbasetemp().parent / "served"
    if "PYTEST_XDIST_WORKER" not in os.environ:  # the parent would be that of all test runs
        folder = tmp_path_factory.mktemp("served")
    with filelock.FileLock(f"{folder}.lock"):
        if not (folder / "served").exists():
            folder.mkdir(exist_ok=True)
            served = pickle.dumps(exported(folder, shared_data))
            (folder / "served").write_bytes(served)
    return folder


def exported(folder, shared_data):
    made = {name: (make(info.name, info.tasks[0]), None) for name, info in BUILDERS.items()}
    for kind, load in KINDS.items():
        (folder / kind).mkdir()
        keras.utils.set_random_seed(0)
        data = load(folder / kind, shared_data)
        made[f"kind_{kind}"] = (network(data), data)
    served = {}
    for name, (model, data) in made.items():
        base = folder / "exports" / name
        dk.export.saved_model(model, base, data)
        dk.export.promote(base, 1, config=folder / "models.config")
        task = BUILDERS[name].tasks[0] if data is None else data.task
        raw, expected = raw_rows(model, data, task)
        if isinstance(expected, dict) and len(expected) == 1:
            (expected,) = expected.values()
        served[name] = Served(raw, expected, task, getattr(data, "class_names", None))
    return served


@pytest.fixture(scope="session")
def models(folder):
    return pickle.loads((folder / "served").read_bytes())


@pytest.fixture(scope="session")
def server(folder):
    with Server(
        model_config_file=folder / "models.config", rest_port=0, start_seconds=280
    ) as server:
        yield server


def raw_rows(model, data, task):
    """Return raw input by name as a client has it, and what Keras predicts from it."""
    if data is None:
        x, _ = batch(model, task, ROWS)
        return x, model.predict(x, verbose=0)
    raw = keras.tree.map_structure(lambda column: column[:ROWS], data.examples[0])
    prepared = data.preprocessing.predict(as_tensors(raw), verbose=0)
    return raw, model.predict(prepared, verbose=0)


def as_tensors(raw):
    return keras.tree.map_structure(
        lambda column: tf.constant(column.tolist()) if column.dtype == object else column, raw
    )


@pytest.mark.parametrize("name", [*BUILDERS, *(f"kind_{kind}" for kind in KINDS)])
def test_a_served_model_answers_raw_input_as_keras_does(name, models, server):
    with Client(server.url_of(name)) as client:
        answer = client.predict(models[name].raw)
    alike = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5)
    keras.tree.map_structure(alike, answer, models[name].expected)
    for values in keras.tree.flatten(answer):
        assert np.ptp(values, axis=0).max() > 1e-6  # it looks at its input


def png(pixels):
    content = io.BytesIO()
    PIL.Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def wav(wave):
    return tf.audio.encode_wav(wave.reshape(-1, 1), 8000).numpy()


@pytest.mark.parametrize(
    ("kind", "encode", "tolerance"),
    [("photos", png, 1e-5), ("boxes", png, 1e-5), ("audio", wav, 0.02)],
)
def test_files_get_what_their_content_gets(kind, encode, tolerance, models, server):
    model = models[f"kind_{kind}"]
    signature = "audio_bytes" if kind == "audio" else "image_bytes"
    files = [encode(example) for example in model.raw]
    body = {
        "signature_name": signature,
        "instances": [{"b64": base64.b64encode(file).decode()} for file in files],
    }
    found = ask(server.url_of(f"kind_{kind}"), "POST", ":predict", body=body).json["predictions"]
    np.testing.assert_allclose(found, model.expected, atol=tolerance)
    if model.task == "multiclass":
        body["signature_name"] += "_labels"
        rows = ask(server.url_of(f"kind_{kind}"), "POST", ":predict", body=body).json["predictions"]
        best = [model.class_names[place] for place in np.argmax(found, axis=1)]
        assert [row["classes"][0] for row in rows] == best


def test_a_table_is_classified_by_its_columns(models, server):
    model = models["kind_table"]
    examples = [
        {name: c[row] if c.dtype == object else float(c[row]) for name, c in model.raw.items()}
        for row in range(ROWS)
    ]
    answer = ask(
        server.url_of("kind_table"),
        "POST",
        ":classify",
        body={"signature_name": "classify", "examples": examples},
    )
    for pairs, scores in zip(answer.json["results"], model.expected, strict=True):
        assert [name for name, _ in pairs] == list(model.class_names)
        np.testing.assert_allclose([score for _, score in pairs], scores, rtol=1e-4)


def test_a_rating_is_regressed(models, server):
    model = models["kind_ratings"]
    examples = [
        {name: int(column[row]) for name, column in model.raw.items()} for row in range(ROWS)
    ]
    body = {"signature_name": "regress", "examples": examples}
    answer = ask(server.url_of("kind_ratings"), "POST", ":regress", body=body)
    np.testing.assert_allclose(answer.json["results"], model.expected[:, 0], rtol=1e-4)
