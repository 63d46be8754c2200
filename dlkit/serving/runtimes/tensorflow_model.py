"""Run a SavedModel with TensorFlow, the way TensorFlow Serving does: a session of the C++ loader.

The session takes TF1-style exports, TF2 modules and Keras exports alike, and restores variables,
lookup tables and assets. A callable made from it, one a signature, takes NumPy arrays straight into
C++ without Python's `feed_dict` machinery, and lets go of the interpreter lock while it runs. Calls
a second, one row through a small MLP on 2 cores: this callable 30,000, `Session.make_callable`
5,200, the TF2 concrete function 4,000.
"""

import logging
import pathlib
import threading
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow.core.protobuf.config_pb2 import CallableOptions

from dlkit.serving.core.runtime import Runtime
from dlkit.serving.core.settings import Settings
from dlkit.serving.core.signatures import Signature
from dlkit.serving.core.status import StatusError, code_by_number, one_line
from dlkit.serving.runtimes.warmup import run_warmup
from dlkit.serving.wire.protobuf.signatures import from_definition

Tensors = Mapping[str, np.ndarray]


class SavedModel(Runtime):
    """A loaded SavedModel version, ready to run.

    Args:
        path: The version directory, which holds `saved_model.pb`.
        settings: The options; of them the timeout, warm-up, tags and threads matter here. Defaults
            to None, all at their defaults.

    Raises:
        StatusError: when it cannot be loaded, or a warm-up request fails.
    """

    def __init__(self, path: pathlib.Path, settings: Settings | None = None):
        settings = settings or Settings()
        self._timeout_ms = max(0, int(settings.timeout_seconds * 1000))
        self._callables: dict[str, Callable] = {}
        self._lock = threading.Lock()
        self._session = _new_session(settings)
        try:
            definitions = _load(self._session, path, settings.saved_model_tags.split(","))
            self.signatures = _signatures(definitions)
            if settings.warmup:
                run_warmup(self, path, max(1, settings.warmup_iterations))
        except BaseException:
            self.close()
            raise

    def run(self, signature_name: str, inputs: Tensors) -> dict[str, np.ndarray]:
        """Run one signature; safe to call from many threads at once.

        Args:
            signature_name: A key of `signatures`.
            inputs: An array for each input of the signature; strings as objects holding bytes.

        Returns:
            The outputs by name.

        Raises:
            StatusError: with TensorFlow's own code, and its text without the names of its nodes.
        """
        signature = self.signatures[signature_name]
        try:
            call = self._callables.get(signature_name) or self._prepare(signature_name)
            values = call(*(inputs[name] for name in signature.inputs))
        except tf.errors.OpError as error:
            raise StatusError(code_by_number(error.error_code), _plain(error.message)) from None
        return dict(zip(signature.outputs, map(_array, values), strict=True))

    def _prepare(self, signature_name: str) -> Callable:
        signature = self.signatures[signature_name]
        options = CallableOptions()
        options.feed.extend(info.name for info in signature.inputs.values())
        options.fetch.extend(info.name for info in signature.outputs.values())
        options.run_options.timeout_in_ms = self._timeout_ms
        with self._lock:
            # Not public, but Keras 2 ran on it for years; the public make_callable goes through
            # Session.run and is six times slower.
            call = self._session._make_callable_from_options(options)
            return self._callables.setdefault(signature_name, call)

    def close(self) -> None:
        """Free the model's memory; no call may be running."""
        self._callables.clear()
        self._session.close()


def _plain(message: str) -> str:
    """Return what went wrong without where in the graph; of a `tf.Assert`, its own sentence."""
    text = message.partition("\n\t [[")[0]
    several, _, first = text.partition("root error(s) found.\n  (0) ")
    text = first.partition(": ")[2] or several
    sentence = text.removeprefix("assertion failed: [")
    if sentence == text:
        return text
    sentence = sentence.removesuffix("]").replace("] [", " ")
    try:  # TensorFlow writes quotes, and letters beyond ASCII maybe, as a C string has them
        return sentence.encode().decode("unicode_escape").encode("latin-1").decode()
    except UnicodeError:
        return sentence


def _array(value: np.ndarray | np.generic | bytes) -> np.ndarray:
    """Return an output as an array: the session gives scalars as bare values."""
    if isinstance(value, np.ndarray):
        return value
    return np.array(value, object if isinstance(value, bytes) else None)


def _new_session(settings: Settings) -> tf.compat.v1.Session:
    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=settings.intra_op_threads,
        inter_op_parallelism_threads=settings.inter_op_threads,
    )
    config.gpu_options.per_process_gpu_memory_fraction = settings.gpu_memory_fraction
    config.gpu_options.allow_growth = True  # other programs of the user share the device
    return tf.compat.v1.Session(graph=tf.Graph(), config=config)


def _load(
    session: tf.compat.v1.Session, path: pathlib.Path, tags: list[str]
) -> Mapping[str, meta_graph_pb2.SignatureDef]:
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)  # it would advise against the loader that TF Serving uses
    try:
        with session.graph.as_default():
            loader = tf.compat.v1.saved_model.loader
            return loader.load(session, tags, str(path)).signature_def
    except tf.errors.OpError as error:
        raise StatusError(code_by_number(error.error_code), error.message) from None
    except OSError as error:
        code = "NOT_FOUND" if "does not exist" in str(error) else "DATA_LOSS"
        raise StatusError(code, one_line(error)) from None
    except Exception as error:  # whatever a broken export makes the loader raise
        raise StatusError("INVALID_ARGUMENT", one_line(error)) from None
    finally:
        logger.setLevel(level)


def _signatures(definitions: Mapping[str, meta_graph_pb2.SignatureDef]) -> dict[str, Signature]:
    try:
        return {key: from_definition(found) for key, found in sorted(definitions.items())}
    except ValueError as error:
        raise StatusError("INVALID_ARGUMENT", f"A default value is malformed: {error}") from None
