"""Rare calcifications in mammograms: check the data, weigh the rare class, compare in folds.

    DLKIT_DATA=/path/to/data python examples/check_and_folds.py

Only 2.3% of the examples are calcifications, so a network that finds none is right for 97.7%. What
counts is the recall: how many of them are found. Folds tell whether a gain is more than luck.
"""

import numpy as np

import dlkit as dk

data = dk.data.load("mammography", batch_size=256)
findings = data.check()  # a rare class, and measurements that are there many times
assert {f.what for f in findings if f.level == "warning"} >= {"class balance", "same in two splits"}
data = data.without_duplicates()
data.show_classes("classes.png")


def recall_and_precision(fold: dk.data.Data) -> tuple[float, float]:
    """Train on a fold, and say how it does on what that fold holds back."""
    model = dk.models.build("mlp", fold, units=(16,), learning_rate=0.01, seed=0)
    model.fit(fold.train, epochs=8, verbose=0)
    targets, probabilities = dk.evaluation.predict(model, fold.val)
    found = probabilities[:, 0] > 0.5
    right = (found & (targets == 1)).sum()
    return right / (targets == 1).sum(), right / max(found.sum(), 1)


scores = {"as they are": [], "weighted": []}
for fold in data.folds(3):
    scores["as they are"].append(recall_and_precision(fold))
    scores["weighted"].append(recall_and_precision(fold.balanced("weights")))
for name, values in scores.items():
    recall, precision = np.mean(values, axis=0)
    spread = np.std(values, axis=0)[0]
    print(
        f"{name:<12} recall {recall:.0%} (folds differ by {spread:.0%}), precision {precision:.0%}"
    )

plain, weighted = (np.mean(values, axis=0)[0] for values in scores.values())
assert weighted > 0.75, "weights should find three of four calcifications"
assert weighted > plain + 0.15, "and many more than without them"
