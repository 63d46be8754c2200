"""Arrays of your own: wines by their chemistry, checked, trained and served (20 s on 2 cores).

    python examples/arrays.py

Any NumPy arrays do: `(n, features)`, `(n, height, width, channels)` or `(n, steps, features)`.
"""

import numpy as np
from sklearn.datasets import load_wine

import dlkit as dk

wine = load_wine()
data = dk.data.from_arrays(
    wine.data, wine.target, class_names=wine.target_names, name="wine", batch_size=16
)
data.summary()
findings = data.check()  # the raw columns reach from 0.1 to 1,680; the network's are near 0
assert not any(finding.level == "error" for finding in findings)

# Grown by three growers, the rarest 1 of 4 of them: five-fold cross-validation tells how sure
# a result on 36 test wines can be.
scores = []
for fold in data.folds(5):
    model = dk.models.build("mlp", fold, units=(32,), learning_rate=0.01, seed=0)
    model.fit(fold.train, epochs=10, verbose=0)
    scores.append(model.evaluate(fold.val, verbose=0, return_dict=True)["accuracy"])
print(f"Accuracy {np.mean(scores):.1%}, {np.std(scores):.1%} from fold to fold")

version = dk.export.saved_model(model, "exports/wine", data=fold)
with dk.serving.Server(version.parent, rest_port=0) as server:
    bottles, growers = fold.examples  # raw, as a client has them
    answers = dk.serving.Client(server.url).predict(bottles).argmax(axis=1)
share = np.bincount(wine.target).max() / len(wine.target)
print(f"Served: {np.mean(answers == growers):.1%} of {len(growers)} bottles right")
assert np.mean(scores) > 0.9 > 2 * share, "always the same grower is right for 40%"
