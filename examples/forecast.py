"""A forecast of the passengers who fly next month (20 s on 2 cores).

    DLKIT_DATA=/folder/of/the/data/sets python examples/forecast.py

Reads the airlines' monthly passengers of 1949 to 1960, learns from the first years, and serves a
network that takes the last twelve months as they stand in the file and answers in passengers.
"""

import json
import os
import pathlib
import tempfile
import urllib.request

import numpy as np

import dlkit as dk

EPOCHS = 100

path = pathlib.Path(os.environ["DLKIT_DATA"], "timeseries", "airline-passengers.csv")
data = dk.data.from_series(path, window=12, batch_size=16, val_fraction=0)
data.summary()
data.show("passengers.png", count=9)

schedule = dk.training.OneCycle(1e-2, EPOCHS * len(data.train))
model = dk.models.build("mlp", data, units=(32,), seed=0, learning_rate=schedule)
model.fit(data.train, epochs=EPOCHS, verbose=0)
error = model.evaluate(data.test, verbose=0, return_dict=True)["mae"]

# What a forecaster can do without any network: say the number of the month, or the year, before.
windows, nexts = data.origin.raw(data.origin.split.test)[:, :, 0], data.origin.targets.values
nexts = nexts[data.origin.split.test]
last_month, last_year = (np.abs(nexts - windows[:, place]).mean() for place in (-1, 0))

with tempfile.TemporaryDirectory() as exports:
    version = dk.export.saved_model(model, pathlib.Path(exports, "passengers"), data=data)
    with dk.serving.Server(version.parent, rest_port=0) as server:
        year = windows[-1][:, np.newaxis].tolist()  # December 1959 to November 1960
        body = json.dumps({"instances": [year]}).encode()
        with urllib.request.urlopen(f"{server.url}:predict", body) as answer:
            ((forecast,),) = json.loads(answer.read())["predictions"]

print(f"Off by {error:.0f} thousand a month; last month's number by {last_month:.0f}, last year's")
print(f"by {last_year:.0f}. December 1960: {forecast:.0f} forecast, {nexts[-1]:.0f} flew")
assert error < 0.6 * min(last_month, last_year), "it should be far better than last year's number"
