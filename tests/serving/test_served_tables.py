"""Tables as they are trained on, through every client to a started server: names and gaps."""

import asyncio
import csv
import json
import urllib.error
import urllib.request

import keras
import numpy as np
import pandas
import pytest

import dlkit as dk
from dlkit.errors import InputError, ServerError
from dlkit.serving import AsyncClient, AsyncGrpcClient, Client, GrpcClient
from tests.cli.command_line import call

WINDOW = 14
# Names that become one, that Keras, TensorFlow or dlkit have for their own, or that are no names.
ODD = [
    *("age", "Age", "AGE", "age_1", "a b", "a_b", "a/b", "a_b_1", " a b", "features", "features_"),
    *("preprocessing", "column_0", "stack", "is_nan", "normalization", "concatenate", "cells"),
    *(
        "cell_numbers",
        "inputs",
        "self",
        "class",
        "tensors",
        "args",
        "kwargs",
        "training",
        "名",
        "/",
    ),
    *("Größe", "2nd", "x:0", "%", "a\nb", "serving_default", "keras_tensor", "input_layer", "_"),
]


def odd_frame(rows=60):
    """Each column is of another size, so that none can stand for another."""
    random = np.random.default_rng(0)
    columns = {name: random.normal(2.0**place, 1, rows) for place, name in enumerate(ODD)}
    for place, name in enumerate(ODD[::4]):
        columns[name] = np.array([f"v{(row + place) % 3}" for row in range(rows)], object)
    return pandas.DataFrame(columns | {"a-b": np.ones(rows), "y": random.normal(size=rows)})


def trained(data, **options):
    keras.utils.set_random_seed(0)
    return dk.models.build("perceptron", data, **options)


def expected(model, data, rows=None):
    """What Keras says of raw rows, all of them by default."""
    count = len(data.origin.targets.values)
    raw = data.origin.raw(np.arange(count) if rows is None else rows)
    return model.predict(data.preprocessing(keras.tree.map_structure(tensor, raw)), verbose=0)


def tensor(values):
    return keras.ops.convert_to_tensor(values.tolist() if values.dtype.kind in "OU" else values)


@pytest.fixture(scope="module")
def served(shared_data, tmp_path_factory):
    """Model's name -> its Keras model and data, and a function to its URL; its gRPC address."""
    folder = tmp_path_factory.mktemp("tables")
    titanic = shared_data / "tabular" / "titanic.csv"
    power = shared_data / "timeseries" / "household_power_consumption_days.csv"
    datas = {
        "titanic": dk.data.from_csv(titanic, "Survived", kinds={"Name": "drop"}),
        "odd": dk.data.from_dataframe(odd_frame(), "y", kinds={"a-b": "drop"}, batch_size=16),
        "power": dk.data.from_series(power, window=WINDOW, targets="Voltage"),
    }
    models = {}
    for name, data in datas.items():
        models[name] = trained(data)
        dk.export.saved_model(models[name], folder / name, data)
    listed = "".join(
        f"config {{ name: '{name}' base_path: '{folder / name}' model_platform: 'tensorflow' }}\n"
        for name in datas
    )
    (folder / "models.config").write_text(f"model_config_list {{ {listed} }}")
    options = {"model_config_file": str(folder / "models.config"), "rest_port": 0, "grpc_port": 0}
    with dk.serving.Server(**options) as server:
        base = server.url.partition("/v1/")[0]
        yield {
            name: (models[name], datas[name], f"{base}/v1/models/{name}", server.grpc_target)
            for name in datas
        }


def everyone(served, name, inputs, signature=None):
    """Yield each client's answer."""
    _, _, url, target = served[name]
    with Client(url) as client:
        yield client.predict(inputs, signature_name=signature)
    with GrpcClient(target, name) as client:
        yield client.predict(inputs, signature_name=signature)

    async def later(make):
        async with make() as client:
            return await client.predict(inputs, signature_name=signature)

    yield asyncio.run(later(lambda: AsyncClient(url)))
    yield asyncio.run(later(lambda: AsyncGrpcClient(target, name)))


def check(served, name, inputs, rows=None):
    model, data, _, _ = served[name]
    right = expected(model, data, rows)
    for found in everyone(served, name, inputs):
        np.testing.assert_allclose(found, right, atol=1e-4, rtol=1e-5)


def post(url, body):
    request = urllib.request.Request(f"{url}:predict", json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


# ------------------------------------------------------------------ names


def test_every_name_finds_its_column_in_any_order(served):
    frame = odd_frame()
    for columns in (list(frame), sorted(frame), ["y", *reversed(ODD), "a-b"]):
        check(served, "odd", frame[columns])
    check(served, "odd", frame[ODD])
    check(served, "odd", frame.assign(**{"a_b_2": 1e9, "Age_1": 1e9, "age_2": 1e9, "_/": "x"}))


def test_examples_rows_and_columns_go_by_the_names_of_the_table(served):
    data = served["odd"][1]
    rows = data.origin.split.test
    check(served, "odd", data.examples[0], rows[: len(data.examples[1])])
    records = odd_frame().iloc[rows].to_dict("records")
    check(served, "odd", records, rows)
    check(served, "odd", {name: odd_frame()[name].tolist() for name in ODD})


def test_a_name_that_is_not_there_is_no_other_column(served):
    for missing in ("a b", "a_b", "age", "Age"):
        frame = odd_frame().drop(columns=missing)
        for ask in (Client(served["odd"][2]), GrpcClient(served["odd"][3], "odd")):
            with ask, pytest.raises(InputError, match=f"No column has the name .*'{missing}'"):
                ask.predict(frame)


def test_metadata_tells_each_column(served):
    with Client(served["odd"][2]) as client:
        told = client.metadata()["metadata"]["signature_def"]["signature_def"]
    for key in ("serving_default", "cells"):
        inputs = told[key]["inputs"]
        dims = {name: info["tensor_shape"]["dim"] for name, info in inputs.items()}
        assert sorted(found[0]["name"] for found in dims.values()) == sorted(ODD)
        for name in ("age_1", "a_b", "a_b_1", "features"):
            assert dims[name][0]["name"] == name
    with GrpcClient(served["odd"][3], "odd") as client:
        grpc = client.metadata()["metadata"]["signature_def"]["signature_def"]
    assert grpc["cells"]["inputs"] == told["cells"]["inputs"]


# ------------------------------------------------------------------ what is missing


def test_the_training_file_is_a_request(served, shared_data, monkeypatch, capsys):
    model, data, url, _ = served["titanic"]
    assert call(monkeypatch, "predict", url, shared_data / "tabular" / "titanic.csv") == 0
    found = json.loads(capsys.readouterr().out)
    np.testing.assert_allclose(found, expected(model, data), atol=1e-5)


def test_a_file_with_every_word_for_a_gap(served, shared_data, tmp_path, monkeypatch, capsys):
    model, data, url, _ = served["titanic"]
    with (shared_data / "tabular" / "titanic.csv").open(newline="") as file:
        header, *lines = csv.reader(file)
    age = header.index("Age")
    words = ["", "?", "NA", "N/A", "NaN", "nan", "null", "NULL"]
    rows = [[*line[:age], words[i % 8], *line[age + 1 :]] for i, line in enumerate(lines[:16])]
    with (tmp_path / "gaps.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    raw = data.origin.raw(np.arange(16)) | {"Age": np.full(16, np.nan, "float32")}
    right = model.predict(data.preprocessing({k: tensor(v) for k, v in raw.items()}), verbose=0)
    for signature in ((), ("--signature", "serving_default")):
        assert call(monkeypatch, "predict", url, tmp_path / "gaps.csv", *signature) == 0
        np.testing.assert_allclose(json.loads(capsys.readouterr().out), right, atol=1e-5)


def test_records_frames_and_examples_with_gaps(served, shared_data, tmp_path, monkeypatch, capsys):
    frame = pandas.read_csv(shared_data / "tabular" / "titanic.csv")
    check(served, "titanic", frame)
    check(served, "titanic", frame.convert_dtypes())
    check(served, "titanic", frame.to_dict("records"))
    records = json.loads(frame.to_json(orient="records"))
    assert any(row["Age"] is None for row in records)
    check(served, "titanic", records)
    check(served, "titanic", frame.to_dict("list"))
    model, data, url, _ = served["titanic"]
    check(served, "titanic", data.examples[0], data.origin.split.test[: len(data.examples[1])])
    (tmp_path / "records.json").write_text(frame.to_json(orient="records"))
    assert call(monkeypatch, "predict", url, tmp_path / "records.json") == 0
    found = json.loads(capsys.readouterr().out)
    np.testing.assert_allclose(found, expected(model, data), atol=1e-5)


def test_plain_json_has_a_way_to_say_missing(served):
    """What a program sends whose language has no NaN in JSON, after the hint that it gets."""
    model, data, url, _ = served["titanic"]
    names = [column.name for column in data.columns if column.kind != "drop"]
    raw = {name: values.tolist() for name, values in data.origin.raw(np.arange(8)).items()}
    rows = [{name: raw[name][row] for name in names} for row in range(8)]
    assert any(value != value for row in rows for value in row.values())
    null = [{k: None if v != v else v for k, v in row.items()} for row in rows]
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(url, {"instances": null})
    told = json.loads(refused.value.read())
    assert "Type: Null" in told["error"] and '"signature_name": "cells"' in told["hint"]
    texts = [{k: "" if v is None else str(v) for k, v in row.items()} for row in null]
    body = json.dumps({"signature_name": "cells", "instances": texts}, allow_nan=False)
    found = post(url, json.loads(body))["predictions"]
    np.testing.assert_allclose(found, expected(model, data, np.arange(8)), atol=1e-5)
    labels = post(url, {"signature_name": "cells_labels", "instances": texts})["predictions"]
    likeliest = (expected(model, data, np.arange(8))[:, 0] >= 0.5).astype(int)
    assert [row["classes"][0] for row in labels] == [data.class_names[i] for i in likeliest]


def test_a_cell_that_is_no_number_is_named(served):
    _, data, url, _ = served["titanic"]
    raw = data.origin.raw(np.arange(2)) | {"Age": np.array(["22", "old"], object)}
    with Client(url) as client, pytest.raises(ServerError, match=r"Column Age .*: old"):
        client.predict(raw, signature_name="cells")
    with Client(url) as client, pytest.raises(InputError, match=r"Column 'Age'.* 'old'"):
        client.predict(raw)


# ------------------------------------------------------------------ series


def test_a_series_goes_as_its_file_its_frame_and_its_rows(
    served, shared_data, tmp_path, monkeypatch, capsys
):
    model, data, url, _ = served["power"]
    path = shared_data / "timeseries" / "household_power_consumption_days.csv"
    frame = pandas.read_csv(path)
    last = frame.drop(columns="datetime").to_numpy("float32")[-WINDOW:][np.newaxis]
    right = model.predict(data.preprocessing(last), verbose=0)
    assert call(monkeypatch, "predict", url, path) == 0
    np.testing.assert_allclose(json.loads(capsys.readouterr().out), right, rtol=1e-4)
    dated = frame.assign(datetime=pandas.to_datetime(frame["datetime"]))
    for inputs in (frame, dated, frame.to_dict("records"), frame.to_dict("list"), last):
        for found in everyone(served, "power", inputs):
            np.testing.assert_allclose(found, right, rtol=1e-4)
    with Client(url) as client, pytest.raises(InputError, match=r"last 14 steps .* 3 steps"):
        client.predict(frame[:3])
    with Client(url) as client, pytest.raises(ServerError, match=r"Column Voltage"):
        client.predict(frame.assign(Voltage=np.nan))
