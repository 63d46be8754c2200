"""Files and tables as inputs of every client, against a real server where it matters."""

import asyncio
import base64
import json
import subprocess
import sys

import numpy as np
import pandas
import pytest

from dlkit.errors import InputError
from dlkit.serving import AsyncClient, AsyncGrpcClient, Client, GrpcClient
from dlkit.serving.client.columns import Table
from dlkit.serving.client.inputs import choose_signature, is_frame, prepare_inputs
from dlkit.serving.core.signatures import Signature, TensorInfo
from tests.cli.command_line import call
from tests.serving.scripted import GOOD


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Two files; their bytes are text only because the test's model gives them back as such."""
    folder = tmp_path_factory.mktemp("photos")
    for name, content in (("a.jpg", b"\x00\x01a"), ("b.jpg", b"\x00\x01b")):
        (folder / name).write_bytes(content)
    return sorted(folder.iterdir())


def test_paths_become_bytes_wherever_they_stand(photos):
    contents = [path.read_bytes() for path in photos]
    assert prepare_inputs(photos) == contents
    assert prepare_inputs(tuple(photos)) == contents
    assert prepare_inputs(photos[0]) == contents[0]
    assert prepare_inputs({"image": photos, "x": [1.0]}) == {"image": contents, "x": [1.0]}


def test_everything_else_stays_what_it_is():
    for value in ([1.0], ["a.jpg"], np.zeros(2), "text", b"bytes", [], 1.5, [[1], [2]]):
        assert prepare_inputs(value) is value


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"nosuch\.jpg cannot be read: No such file or directory"):
        prepare_inputs([tmp_path / "nosuch.jpg"])


def test_a_frame_is_its_columns():
    frame = pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    assert is_frame(frame)
    assert not is_frame({"columns": 1})
    found = prepare_inputs(frame)
    assert {name: values.tolist() for name, values in found.items()} == {
        "a": [1, 2],
        "b": ["x", "y"],
    }


def test_what_a_frame_lacks_is_what_the_training_data_had_there():
    frame = pandas.DataFrame(
        {
            "cabin": [float("nan"), "C85"],
            "name": ["Ada", None],
            "age": np.array([None, 3.5], object),
            "job": pandas.Categorical(["cook", None]),
            "born": pandas.to_datetime(["2024-01-02", None]),
            "size": pandas.array([1, None], dtype="Int64"),
            "kids": [1, 2],
            "tall": np.array([True, None], object),
        }
    )
    found = {name: values.tolist() for name, values in prepare_inputs(frame).items()}
    nan = float("nan")
    np.testing.assert_equal(
        found,
        {
            "cabin": ["", "C85"],
            "name": ["Ada", ""],
            "age": [nan, 3.5],
            "job": ["cook", ""],
            "born": ["2024-01-02T00:00:00", ""],
            "size": [1.0, nan],
            "kids": [1, 2],
            "tall": [True, ""],
        },
    )


def clients(url, target):
    """Ask each client the same; yield what came."""

    def ask(inputs, signature):
        with Client(url) as client:
            yield client.predict(inputs, signature_name=signature)
        with GrpcClient(target, "sink") as client:
            yield client.predict(inputs, signature_name=signature)

        async def later(make):
            async with make() as client:
                return await client.predict(inputs, signature_name=signature)

        yield asyncio.run(later(lambda: AsyncClient(url)))
        yield asyncio.run(later(lambda: AsyncGrpcClient(target, "sink")))

    return ask


def test_every_client_sends_files_frames_text_and_arrays(sink_url, grpc_target, photos):
    ask = clients(sink_url, grpc_target)
    for found in ask(photos, "text"):
        assert found["raw_bytes"].tolist() == [path.read_bytes() for path in photos]
    frame = pandas.DataFrame({"a": [1.0, 2.0], "b": [3.0, float("nan")]})
    for found in ask(frame, "join"):
        np.testing.assert_array_equal(found, [1.0, 2.0, 3.0, float("nan")])
    for found in ask(["é", "b"], "upper"):
        assert found.tolist() == ["é", "B"]
    for found in ask(np.float32([[[1, 2], [3, 4]]]), "image"):
        assert found.tolist() == [10.0]


def test_every_client_fits_a_frame_to_the_signature(sink_url, grpc_target):
    ask = clients(sink_url, grpc_target)
    for found in ask(pandas.DataFrame({"TEXT": ["a", None], "more": [1, 2]}), "upper"):
        assert found.tolist() == ["A", ""]
    for found in ask(pandas.DataFrame({"text": [3.0, float("nan")]}), "upper"):
        assert found.tolist() == ["3", ""]
    for found in ask(pandas.DataFrame({"U8": [3.0, 255.0]}), "one_u8"):
        assert found.tolist() == [3, 255]
    for found in ask(pandas.DataFrame({"A": ["1", ""], "b": [3, 4]}), "join"):
        np.testing.assert_array_equal(found, [1.0, float("nan"), 3.0, 4.0])
    said = "Column 'U8' goes to the model's input 'u8': give uint8 numbers. Received: 2.5"
    for client in (Client(sink_url), GrpcClient(grpc_target, "sink")):
        with client, pytest.raises(InputError, match=said):
            client.predict(pandas.DataFrame({"U8": [2.5]}), signature_name="one_u8")


def test_every_client_finds_the_signature_of_files(sink_url, grpc_target, photos):
    ask = clients(sink_url, grpc_target)
    for inputs in (photos, [path.read_bytes() for path in photos]):
        for found in ask(inputs, None):
            assert found.tolist() == [3, 3]


def test_the_signature_of_files_is_chosen_where_it_is_clear():
    files = Signature({"file": TensorInfo("DT_STRING")}, {})
    pixels = Signature({"x": TensorInfo("DT_FLOAT")}, {})
    both = {"serving_default": pixels, "image_bytes": files, "image_bytes_labels": files}
    assert choose_signature([b"a"], None, both) == "image_bytes"
    assert choose_signature([b"a"], "other", both) == "other"
    for inputs in (["a.jpg"], [1.0], [], np.zeros(2), {"x": [b"a"]}):
        assert choose_signature(inputs, None, both) is None
    for known in ({}, both | {"serving_default": files}, both | {"audio_bytes": files}):
        assert choose_signature([b"a"], None, known) is None


def test_cells_are_chosen_for_files_and_for_what_the_default_has_no_columns_for():
    column = {"x": TensorInfo("DT_FLOAT", (-1,), axes=("X",))}
    windows = {"x": TensorInfo("DT_FLOAT", (-1, 3, 2), axes=("", "", ""))}
    cells = Signature({"x": TensorInfo("DT_STRING", (-1,), axes=("X",))}, {})
    table = {"serving_default": Signature(column, {}), "cells": cells}
    series = table | {"serving_default": Signature(windows, {})}
    file = Table({"X": [1.0]}, {"X": ["1"]})
    for inputs, known, chosen in (
        *((file, table, "cells"), (file, series, "cells"), ({"X": [1.0]}, series, "cells")),
        *(({"X": [1.0]}, table, None), (np.zeros((1, 3, 2)), series, None), ([1.0], table, None)),
        *(({"x": np.zeros((1, 3, 2))}, series, None), ([b"a file"], series, None)),
        (file, {"serving_default": cells}, None),
    ):
        assert choose_signature(inputs, None, known) == chosen
        assert choose_signature(inputs, "labels", known) == "labels"


def test_columns_of_one_name_are_refused():
    frame = pandas.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(InputError, match=r"The frame has several columns named 'a'; rename"):
        prepare_inputs(frame)


def test_metadata_is_asked_for_once_and_for_tables_alone(scripted):
    url, answers, seen = scripted
    info = {"dtype": "DT_STRING", "tensor_shape": {"dim": [], "unknown_rank": True}, "name": "x:0"}
    signatures = {"serving_default": {"inputs": {"Class_of": info}}}
    metadata = {"metadata": {"signature_def": {"signature_def": signatures}}}
    answers += [GOOD, (200, json.dumps(metadata).encode()), GOOD, GOOD]
    with Client(url) as client:
        for inputs in ([1.0], *[pandas.DataFrame({"Class of": [3], "other": [1]})] * 2):
            client.predict(inputs)
    told = b'{"inputs":{"Class_of":["3"]}}'
    assert [body for _, body in seen] == [b'{"inputs":[1.0]}', b"", told, told]


def test_the_rest_clients_do_not_need_tensorflow():
    code = (
        "import sys; from dlkit.serving import AsyncClient, Client;"
        "AsyncClient('http://h/v1/models/m'); Client('http://h/v1/models/m').close();"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "httpx" in done.stdout.split()
    assert not {"tensorflow", "keras", "grpc"} & set(done.stdout.split())


def test_the_command_sends_files_and_tables(sink_url, photos, tmp_path, monkeypatch, capsys):
    assert call(monkeypatch, "predict", sink_url, photos[0], "--signature", "text") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["raw_bytes"] == [{"b64": base64.b64encode(photos[0].read_bytes()).decode()}]
    (tmp_path / "pair.csv").write_text("a,b\n1.5,2\n3.5,4\n")
    assert call(monkeypatch, "predict", sink_url, tmp_path / "pair.csv", "--signature", "join") == 0
    assert json.loads(capsys.readouterr().out) == [1.5, 3.5, 2.0, 4.0]
    (tmp_path / "text.csv").write_text("Text, note\n007, a\n2, b\n")
    command = ("predict", sink_url, tmp_path / "text.csv", "--signature", "upper")
    assert call(monkeypatch, *command) == 0
    assert json.loads(capsys.readouterr().out) == ["007", "2"]
    assert call(monkeypatch, "predict", sink_url, photos[0]) == 2
    assert '"image_bytes" not found' in capsys.readouterr().err
