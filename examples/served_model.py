"""A served model, asked with plain `curl` and with dlkit's client.

The model is trained on raw measurements of flowers; the export takes them raw as well, since the
preprocessing travels inside.
"""

import json
import pathlib
import subprocess
import tempfile

import dlkit as dk

data = dk.data.load("iris", batch_size=16)
model = dk.models.build("mlp", data, seed=0, learning_rate=0.01)
model.fit(data.train, validation_data=data.val, epochs=30, verbose=0)

with tempfile.TemporaryDirectory() as folder:
    version = dk.export.saved_model(model, pathlib.Path(folder, "iris"), data=data)
    print("Exported", version.relative_to(folder))

    # In a terminal of its own: dlkit serve exports/iris
    with dk.serving.Server(version.parent, rest_port=0) as server:
        flowers, species = data.examples  # raw centimetres, as a client has them

        body = json.dumps({"instances": flowers[:1].astype(float).round(1).tolist()})
        command = ["curl", "--silent", "--data", body, f"{server.url}:predict"]
        print("$", *command[:2], f"--data '{body}'", command[-1])
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        print(answer)
        by_curl = json.loads(answer)["predictions"]

        with dk.serving.Client(server.url) as client:
            probabilities = client.predict(flowers)

right = (probabilities.argmax(axis=1) == species).mean()
print(f"By Client: {right:.0%} of {len(flowers)} flowers right")
assert abs(by_curl[0] - probabilities[0]).max() < 1e-6, "curl and Client should agree"
assert right > 0.85, "this network should know at least 85% of the flowers"
