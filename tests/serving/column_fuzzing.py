"""Columns of any name, many tables of them, from an export's signature to what a server reads.

    python -m tests.serving.column_fuzzing --count 20000

makes up names that become one, gives each column a value of its own, and sends frames, rows,
columns and CSV files, with columns that no input takes and in any order, through what the clients
write and the server reads. No column may land in another's input; what cannot be told is refused.
"""

import argparse
import csv
import io
import json
import keyword
import random
import sys
from dataclasses import dataclass, field

import keras
import numpy as np
import pandas

from dlkit.column_names import input_name, input_names
from dlkit.data.core.record import Column
from dlkit.data.features import layers
from dlkit.data.files import cell_layers
from dlkit.data.files.table_styles import Style
from dlkit.errors import InputError
from dlkit.serving.client import json_messages, proto_messages
from dlkit.serving.client.inputs import prepare_inputs
from dlkit.serving.client.request_files import read_inputs
from dlkit.serving.core.signatures import Signature, TensorInfo, metadata_json
from dlkit.serving.wire.protobuf.signatures import from_definition, to_definition
from dlkit.serving.wire.protobuf.tensors import to_array
from dlkit.serving.wire.rest_json.requests import decode_request, read_request

_PARTS = (
    *("a", "A", "b", "_", " ", "-", "/", ".", "1", "2", "_1", "_2", "é", "名", "\n", '"', ",", "ß"),
    *("features", "stack", "column", "cells", "class", "self", "tensors", "arg_", "x:0", "is_nan"),
)
_WORDS = (*keyword.kwlist, "preprocessing", "column_0", "normalization", "concatenate", "inputs")
_KERAS_EVERY = 50  # tables, since to build a network takes a hundred times as long


@dataclass
class Found:
    """What a run has seen, and what should not be."""

    tables: int = 0
    asked: int = 0
    refused: int = 0
    faults: list[str] = field(default_factory=list)


def fuzz(count, seed):
    """Try `count` tables."""
    chance, found = random.Random(seed), Found()
    for place in range(count):
        names = made_up(chance)
        try:
            try_table(chance, names, found)
            if place % _KERAS_EVERY == 0:
                try_keras(names)
        except Exception as error:  # whatever it is, it is a fault
            found.faults.append(f"{names!r}: {type(error).__name__}: {error}")
        found.tables += 1
    return found


def made_up(chance):
    """Return different names, none of them empty, many of them alike."""
    names = []
    for _ in range(chance.randint(1, 12)):
        parts = chance.choices(_PARTS, k=chance.choice((1, 1, 2, 2, 3)))
        made = "".join(parts) if chance.random() < 0.9 else chance.choice(_WORDS)
        near = [input_name(made), made.lower(), made.upper(), f"{made}_1", made]
        names.append(chance.choice(near))
    return list(dict.fromkeys(name.strip() or "a" for name in names))


def try_table(chance, names, found):
    """Export some of the columns, and send all of them, and others, in another order."""
    used = sorted(chance.sample(names, chance.randint(1, len(names))))
    others = [name for name in names + made_up(chance) if name not in used]
    called = input_names(used)
    alike = {name.lower() for name in called}
    if len(alike) < len(used) or not all(name.isidentifier() for name in called):
        found.faults.append(f"{used!r} are called {called!r}")
    kept = [pair for pair in zip(used, called, strict=True) if input_name(pair[0]) == pair[0]]
    for name, given in kept:
        if name != given and sum(other.lower() == name.lower() for other in used) == 1:
            found.faults.append(f"{name!r} of {used!r} is called {given!r}")
    columns = list(dict.fromkeys(used + others))
    chance.shuffle(columns)
    texts = set(chance.sample(used, len(used) // 3))
    signatures = served(used, called, texts)
    values = {name: [float(place), None] for place, name in enumerate(columns)}
    for name in texts:
        values[name] = [f"v{values[name][0]:.0f}", None]
    right = {given: values[name] for name, given in zip(used, called, strict=True)}
    for inputs in forms(chance, values):
        found.asked += 1
        if (read := sent(inputs, signatures)) != right:
            found.faults.append(f"{used!r} as {called!r}, of {columns!r}: {read} for {right}")
    try_without(chance, used, values, signatures, found)


def try_without(chance, used, values, signatures, found):
    """Leave one out: another column may only take its place under the input's own name."""
    gone = chance.choice(used)
    (name,) = [n for n, i in signatures["serving_default"].inputs.items() if i.column == gone]
    left = {key: value for key, value in values.items() if key != gone}
    try:
        sent(left, signatures)
    except InputError:
        found.refused += 1
    else:
        if left and name not in left:
            found.faults.append(f"{gone!r} of {used!r} is missing from {list(left)!r}")


def served(used, called, texts):
    """Return the signatures as a client reads them from a server's metadata."""
    dtypes = {name: "DT_STRING" if name in texts else "DT_FLOAT" for name in used}
    infos = {
        given: TensorInfo(dtypes[name], (-1,), f"in_{place}:0", (name,))
        for place, (name, given) in enumerate(zip(used, called, strict=True))
    }
    whole = from_definition(to_definition(Signature(infos, {})))
    told = json.loads(json.dumps(metadata_json("m", 1, {"serving_default": whole})))
    return json_messages.read_signatures(told)


def forms(chance, values):
    """Yield the same two rows as a client may have them."""
    yield values
    yield [{name: column[row] for name, column in values.items()} for row in range(2)]
    yield pandas.DataFrame({name: pandas.Series(column) for name, column in values.items()})
    file = io.StringIO(newline="")
    gap = chance.choice(("", "NA", "?", "null"))
    rows = [["" if v is None else v for v in row] for row in zip(*values.values(), strict=True)]
    rows[1] = [
        v if v != "" or isinstance(values[n][0], str) else gap
        for n, v in zip(values, rows[1], strict=True)
    ]
    csv.writer(file).writerows([list(values), *rows])
    yield read_inputs(io.BytesIO(file.getvalue().encode()))


def sent(inputs, signatures):
    """Return what a server reads of inputs over REST, once gRPC is seen to carry the same."""
    inputs = prepare_inputs(inputs)
    infos = signatures["serving_default"].inputs
    body = json_messages.request_body(inputs, None, signatures)
    arrays, _ = decode_request(read_request(body), infos)
    spec = proto_messages.model_spec("m", None, None)
    request = proto_messages.predict_request(spec, inputs, None, signatures)
    carried = {name: plain(to_array(proto)) for name, proto in request.inputs.items()}
    read = {name: plain(array) for name, array in arrays.items()}
    return read if read == carried else (read, carried)


def plain(array):
    """Return an array's values, with None for what is missing."""
    values = [v.decode() if isinstance(v, bytes) else v for v in array.tolist()]
    return [None if v == "" or v != v else v for v in values]


def try_keras(names):
    """Build the preprocessing of columns of these names, and read its cells."""
    columns = [Column(name, "numeric", "") for name in names]
    train = {name: np.float32([place, place + 2]) for place, name in enumerate(names)}
    style = Style((), ".", None, None)
    model, features, _ = layers.build(columns, train, style, crosses=(), hash_bins=2)
    vectors = np.asarray(model({name: keras.ops.array(train[name]) for name in names}))
    assert features == tuple(names)
    np.testing.assert_allclose(vectors, [[-1.0] * len(names), [1.0] * len(names)])
    cells = {name: keras.ops.convert_to_tensor(train[name].astype(str).tolist()) for name in names}
    read = cell_layers.table_cells(train, style)(cells)
    for name in names:
        np.testing.assert_array_equal(read[name], train[name])


def main():
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found = fuzz(options.count, options.seed)
    print(
        f"{found.tables} tables, {found.asked} requests, {found.refused} refused for a missing"
        f" column, {len(found.faults)} faults"
    )
    print(*found.faults[:20], sep="\n")
    return bool(found.faults)


if __name__ == "__main__":
    sys.exit(main())
