"""Writers of small SavedModels with known answers, made with TensorFlow alone."""

import pathlib

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

KINDS = {
    "f64": tf.float64,
    "i8": tf.int8,
    "i16": tf.int16,
    "i32": tf.int32,
    "i64": tf.int64,
    "u8": tf.uint8,
    "u32": tf.uint32,
    "u64": tf.uint64,
    "flag": tf.bool,
}


def _function(function, **inputs):
    """Return `function` as a signature; each input is a (dtype, shape)."""
    specs = {name: tf.TensorSpec(shape, dtype, name) for name, (dtype, shape) in inputs.items()}
    return tf.function(function).get_concrete_function(**specs)


class _Affine(tf.Module):
    def __init__(self, factor, offset):
        super().__init__()
        self.factor = tf.Variable(factor, dtype=tf.float32)
        self.offset = tf.Variable(offset, dtype=tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def predict(self, x):
        return {"y": x * self.factor + self.offset}


def affine(path, factor=0.5, offset=2.0):
    """y = factor x + offset; at its defaults TensorFlow Serving's own half_plus_two."""
    module = _Affine(factor, offset)
    tf.saved_model.save(module, str(path), signatures=module.predict)


def _repeat(n):
    """n[0] matrix products, one after the other: as slow as is asked for."""
    start = tf.eye(64)
    _, product = tf.while_loop(
        lambda i, _: i < n[0], lambda i, x: (i + 1, tf.linalg.matmul(x, start)), (0, start)
    )
    return {"trace": tf.linalg.trace(product)[None]}


def _half_plus_two(inputs):
    found = tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([1], tf.float32)})
    return found["x"] * 0.5 + 2


def _names(inputs):
    """Two classes, called after two features, with a float and a whole number for scores."""
    kinds = {"names": tf.string, "f": tf.float32, "i": tf.int64}
    sizes = {"names": [2], "f": [], "i": []}
    found = tf.io.parse_example(
        inputs, {name: tf.io.FixedLenFeature(sizes[name], kind) for name, kind in kinds.items()}
    )
    scores = tf.stack([found["f"], tf.cast(found["i"], tf.float32)], 1)
    return {"classes": found["names"], "scores": scores}


class _Words(tf.Module):
    """Word -> number, by a table that has to be initialised."""

    def __init__(self):
        super().__init__()
        keys = tf.constant(["no", "yes"])
        values = tf.constant([0, 1], tf.int64)
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(keys, values), -1
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="word")])
    def find(self, word):
        return {"index": self.table.lookup(word)}


def sink(path):
    """Everything that a request can meet, a signature each."""
    row, f32, text = [None], tf.float32, tf.string
    module = _Affine(0.5, 2.0)
    module.words = _Words()
    signatures = {
        "serving_default": module.predict,
        "words": module.words.find,
        "image": _function(
            lambda image: {"total": tf.reduce_sum(tf.reshape(image, [-1, 4]), 1)},
            image=(f32, [None, 2, 2]),
        ),
        "pair": _function(
            lambda a, b: {"sum": a[:, 0] + tf.cast(b, f32), "scaled": a * 2},
            a=(f32, [None, 2]),
            b=(tf.int32, row),
        ),
        "join": _function(lambda a, b: {"all": tf.concat([a, b], 0)}, a=(f32, row), b=(f32, row)),
        "text": _function(
            lambda text: {"upper": tf.strings.upper(text), "raw_bytes": tf.identity(text)},
            text=(text, row),
        ),
        "upper": _function(lambda text: {"upper": tf.strings.upper(text)}, text=(text, row)),
        "grid": _function(lambda text: {"raw_bytes": tf.identity(text)}, text=(text, [None, 2])),
        "word": _function(lambda text: {"upper": tf.strings.upper(text)}, text=(text, [])),
        "length": _function(lambda text: {"n": tf.strings.length(text)}, text=(text, [])),
        "file_bytes": _function(lambda file: {"n": tf.strings.length(file)}, file=(text, row)),
        "scalar": _function(lambda x: {"y": x + 1}, x=(f32, [])),
        "kinds": _function(
            lambda **values: {f"{name}_out": tf.identity(x) for name, x in values.items()},
            **{name: (dtype, row) for name, dtype in KINDS.items()},
        ),
        **{
            f"one_{name}": _function(lambda **one: one, **{name: (KINDS[name], row)})
            for name in ("u8", "i8", "i16")
        },
        "table": _function(
            lambda rows: {"y": tf.linalg.matvec(rows, [1.0, 2.0])}, rows=(f32, [None, 2])
        ),
        "half": _function(lambda h: {"y": tf.cast(h, f32)}, h=(tf.float16, row)),
        "complex": _function(lambda x: {"c": tf.complex(x, x)}, x=(f32, row)),
        "mean": _function(lambda x: {"mean": tf.reduce_mean(x)}, x=(f32, row)),
        "uneven": _function(lambda x: {"all": x + 0, "first": x[:1]}, x=(f32, row)),
        "none": _function(lambda x: {"y": x[:0]}, x=(f32, row)),
        "any": _function(lambda x: {"y": x * 2}, x=(f32, None)),
        "constant": _function(lambda: {"c": tf.constant([1.0])}),
        "echo": _function(lambda x: {"y": tf.identity(x)}, x=(f32, row)),
        "repeat": _function(_repeat, n=(tf.int32, row)),
        "classify_x_to_y": _function(
            lambda inputs: {"scores": _half_plus_two(inputs)}, inputs=(text, row)
        ),
        "regress_x_to_y": _function(
            lambda inputs: {"outputs": _half_plus_two(inputs)}, inputs=(text, row)
        ),
        "classify_names": _function(_names, inputs=(text, row)),
    }
    tf.saved_model.save(module, str(path), signatures=signatures)


def person_and_photo(path):
    """Raw values, tf.Examples of the same to classify, and files: as dlkit's own exports have."""
    kinds = {"age": tf.float32, "married": tf.bool, "job": tf.string}

    def scores(age, married, job):
        known = tf.cast(married, tf.float32) + tf.cast(tf.strings.length(job), tf.float32)
        return {"scores": tf.stack([age[:, 0] + age[:, 1], known[:, 0]], 1)}

    def classify(inputs):
        stored = {name: tf.int64 if kind == tf.bool else kind for name, kind in kinds.items()}
        sizes = {"age": [2], "married": [1], "job": [1]}
        features = {name: tf.io.FixedLenFeature(sizes[name], stored[name]) for name in kinds}
        found = tf.io.parse_example(inputs, features)
        return scores(**{name: tf.cast(found[name], kind) for name, kind in kinds.items()})

    def brightness(image_bytes):
        def one(file):
            return tf.reduce_mean(tf.cast(tf.io.decode_png(file), tf.float32))

        return {"brightness": tf.map_fn(one, image_bytes, fn_output_signature=tf.float32)}

    shapes = {"age": [None, 2], "married": [None, 1], "job": [None, 1]}
    signatures = {
        "serving_default": _function(scores, **{n: (kinds[n], shapes[n]) for n in kinds}),
        "classify": _function(classify, inputs=(tf.string, [None])),
        "image_bytes": _function(brightness, image_bytes=(tf.string, [None])),
    }
    tf.saved_model.save(tf.Module(), str(path), signatures=signatures)
    file = pathlib.Path(path, "saved_model.pb")
    content = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    definition = content.meta_graphs[0].signature_def["classify"]
    definition.method_name = "tensorflow/serving/classify"
    file.write_bytes(content.SerializeToString())


def tf1(path, tag=tf.saved_model.SERVING):
    """A graph of TensorFlow 1: a variable, and a table that its main op initialises."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], "x")
        half = v1.get_variable("half", initializer=0.5, use_resource=False)
        y = tf.add(x * half, 2.0, "y")
        words = v1.placeholder(tf.string, [None], "words")
        table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(["no", "yes"], tf.constant([0, 1], tf.int64)), -1
        )
        found = table.lookup(words)
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        define = v1.saved_model.predict_signature_def
        builder = v1.saved_model.builder.SavedModelBuilder(str(path))
        builder.add_meta_graph_and_variables(
            session,
            [tag],
            {
                "serving_default": define({"x": x}, {"y": y}),
                "words": define({"word": words}, {"index": found}),
            },
            main_op=v1.tables_initializer(),
        )
        builder.save()


def with_default(path):
    """y = x to the power of `power`, which a gRPC request may leave out: it is 3 then."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], "x")
        power = v1.placeholder(tf.float32, [], "power")
        y = tf.pow(x, power, "y")
        define = v1.saved_model.predict_signature_def
        signature = define({"x": x, "power": power}, {"y": y})
        signature.defaults["power"].CopyFrom(tf.make_tensor_proto(3.0))
        builder = v1.saved_model.builder.SavedModelBuilder(str(path))
        builder.add_meta_graph_and_variables(
            session, [tf.saved_model.SERVING], {"serving_default": signature}
        )
        builder.save()


def broken(path):
    """A directory that looks like a version and is none."""
    path = pathlib.Path(path)
    path.mkdir(parents=True)
    (path / "saved_model.pb").write_bytes(b"this is no protocol buffer")
