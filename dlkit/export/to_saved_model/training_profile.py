"""What the training data and the model's answers to it look like, kept for `dlkit monitor`."""

import json
import pathlib
from typing import Any

import numpy as np

from dlkit import feature_profiles
from dlkit.export.sample_inputs import raw_columns, sample_inputs
from dlkit.export.signatures.signature import Signature

FILE = "training_profile.json"
_ROWS = 2000  # give the shares of ten classes to a hundredth
_BATCH = 256


def write_training_profile(directory: pathlib.Path, signature: Signature, data: Any) -> bool:
    """Write the profile of some training rows, and tell whether `data` can give them.

    Args:
        directory: Where `training_profile.json` is written.
        signature: What is served.
        data: What has `origin`: `split.train`, the row numbers of training, and `raw`, from row
            numbers to the signature's inputs; anything else has no profile.
    """
    origin = getattr(data, "origin", None)
    if origin is None:
        return False
    train = np.unique(origin.split.train)
    rows = np.sort(np.random.default_rng(0).permutation(train)[:_ROWS])
    parts: dict[str, list[np.ndarray]] = {}
    needless: list[set[str]] = []
    for start in range(0, len(rows), _BATCH):
        chosen = rows[start : start + _BATCH]
        raw = raw_columns(origin.raw(chosen))
        inputs = sample_inputs(signature.inputs, raw, len(chosen))
        features = feature_profiles.input_features(inputs)
        outputs = signature.reference(inputs)
        features |= feature_profiles.prediction_features(outputs)
        needless.append(feature_profiles.needless_features(outputs))
        for name, values in features.items():
            parts.setdefault(name, []).append(values)
    for name in set.intersection(*needless):
        del parts[name]
    found = feature_profiles.profile_features(
        {name: np.concatenate(values) for name, values in parts.items()}
    )
    (directory / FILE).write_text(json.dumps(found) + "\n")
    return True
