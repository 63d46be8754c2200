"""A table with gaps and categories: who earns more than 50,000 dollars?

    DLKIT_DATA=/path/to/data python examples/table.py

Reads the census of 1994 (UCI "Adult"), trains a small network, and serves it to a client that
sends rows as they stand in the file.
"""

import json
import os
import pathlib
import tempfile
import urllib.request

import dlkit as dk

folder = pathlib.Path(os.environ["DLKIT_DATA"], "tabular")
columns = (
    *("age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation"),
    *("relationship", "race", "sex", "capital_gain", "capital_loss", "hours_per_week"),
    *("native_country", "income"),
)
data = dk.data.from_csv(
    folder / "adult-train.csv.gz",
    "income",
    columns=columns,  # the file has no header line
    kinds={"fnlwgt": "drop"},  # how many people a row stands for
    crosses=[("age", "occupation")],
    batch_size=256,
)
data.summary()

model = dk.models.build("mlp", data, units=(32,), dropout=0.2, learning_rate=3e-3, seed=0)
model.fit(data.train, validation_data=data.val, epochs=4, verbose=2)
accuracy = model.evaluate(data.test, verbose=0, return_dict=True)["accuracy"]

person = {"age": 39, "workclass": "?", "education": "Bachelors", "education_num": 13}
person |= {"marital_status": "Never-married", "occupation": "Adm-clerical", "race": "White"}
person |= {"relationship": "Not-in-family", "sex": "Male", "native_country": "United-States"}
person |= {"capital_gain": 2174, "capital_loss": 0, "hours_per_week": 40}

with tempfile.TemporaryDirectory() as exports:
    version = dk.export.saved_model(model, pathlib.Path(exports, "income"), data=data)
    with dk.serving.Server(version.parent, rest_port=0) as server:
        body = json.dumps({"instances": [person]}).encode()
        with urllib.request.urlopen(f"{server.url}:predict", body) as answer:
            ((probability,),) = json.loads(answer.read())["predictions"]

print(f"Test accuracy {accuracy:.1%}; this person earns {data.class_names[1]}: {probability:.0%}")
assert accuracy > 0.84, "always answering '<=50K' is right for 76%; a network should reach 84%"
assert probability < 0.5, "a clerk without a known employer earns less"
