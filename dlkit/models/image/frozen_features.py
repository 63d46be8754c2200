"""A model whose frozen part runs once an image: its head takes the features that it gave."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import numpy as np
from keras import ops

FEATURES = "features"  # the layer that the frozen part ends with, one vector an image


@keras.saving.register_keras_serializable(package="dlkit")
class TransferModel(keras.Model):
    """A model that takes images, or the features that its frozen part makes of them.

    Whatever lies up to the layer `"features"` is the body, what follows is the head, one layer
    after the other.

    Example:
        >>> inputs = keras.Input((8, 8, 3))
        >>> x = keras.layers.Conv2D(4, 3, trainable=False)(inputs)
        >>> x = keras.layers.GlobalAveragePooling2D(name="features")(x)
        >>> model = TransferModel(inputs, keras.layers.Dense(2)(x))
        >>> model(np.ones((5, 8, 8, 3))).shape == model(np.ones((5, 4))).shape
        True
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.input_spec = None  # of images or features; the layers check what they get
        self.traced: dict[str, bool] = {}  # whether a function was last traced with features

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return the predictions of images (batch, h, w, channels) or features (batch, count)."""
        (x,) = keras.tree.flatten(inputs)
        if len(x.shape) > 2:
            return super().call(inputs, training=training, mask=mask)
        for layer in self.head:
            x = layer(x)
        return x

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Train as `keras.Model.fit`, on features that are computed once where that is the same.

        That is where the body is frozen, and the images are arrays, or a pipeline that says of
        itself that they are the same every epoch, as those of dlkit's data without augmentation do.
        """
        given = inspect.signature(keras.Model.fit).bind(self, *args, **kwargs)
        given.apply_defaults()
        options = {name: value for name, value in given.arguments.items() if name != "self"}
        if self._keeps_features(options["x"], options["y"]) and options["steps_per_epoch"] is None:
            body = self._body()
            verbose = options["verbose"] not in (0, "0")
            options["x"] = _run(body, options["x"], shuffle=True, verbose=verbose)
            held = options["validation_data"]
            if held is not None and options["validation_steps"] is None:
                x, *rest = held if isinstance(held, tuple | list) else (held,)
                options["validation_data"] = (_run(body, x), *rest) if rest else _run(body, x)
        if isinstance(options["x"], _Features):
            options["shuffle"] = False  # it shuffles by itself
            options["callbacks"] = _with(options["callbacks"], options["x"])
        self._trace_for("make_train_function", options["x"])
        return super().fit(**options)

    def evaluate(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Evaluate as `keras.Model.evaluate`, on images or features."""
        self._trace_for("make_test_function", x)
        return super().evaluate(x, *args, **kwargs)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Predict as `keras.Model.predict`, from images or features."""
        self._trace_for("make_predict_function", x)
        return super().predict(x, *args, **kwargs)

    def train_on_batch(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Train on a batch as `keras.Model.train_on_batch`, of images or features."""
        self._trace_for("make_train_function", x)
        return super().train_on_batch(x, *args, **kwargs)

    def test_on_batch(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Test a batch as `keras.Model.test_on_batch`, of images or features."""
        self._trace_for("make_test_function", x)
        return super().test_on_batch(x, *args, **kwargs)

    def predict_on_batch(self, x: Any) -> Any:
        """Predict a batch as `keras.Model.predict_on_batch`, of images or features."""
        self._trace_for("make_predict_function", x)
        return super().predict_on_batch(x)

    def _trace_for(self, make: str, x: Any) -> None:
        """Forget what was traced with images where features come, and the other way round.

        TensorFlow would trace it anew for an input of any rank, which no layer can take.
        """
        features = isinstance(x, _Features) or (_is_array(x) and len(x.shape) == 2)
        if self.traced.get(make, features) != features:
            getattr(self, make)(force=True)
        self.traced[make] = features

    def features(self, x: Any, *, shuffle: bool = False, verbose: bool = False) -> Any:
        """Return what the body makes of images, for `fit` to train the head on.

        Args:
            x: An array of images, or a dataset of batches `(images, targets[, weights])`.
            shuffle: Whether the batches of a dataset are drawn anew each epoch that `fit` begins,
                in an order that the epoch's number decides. Defaults to `False`.
            verbose: Whether to draw a bar of how far it is. Defaults to `False`.

        Returns:
            An array (images, count), or a `keras.utils.PyDataset` of the same batches.
        """
        return _run(self._body(), x, shuffle=shuffle, verbose=verbose)

    def _body(self) -> keras.Model:
        body = keras.Model(self.inputs, self.get_layer(FEATURES).output)
        body.jit_compile = self.jit_compile
        return body

    @property
    def head(self) -> list[keras.Layer]:
        """The layers that follow the features."""
        return self.layers[1 + [layer.name for layer in self.layers].index(FEATURES) :]

    def _keeps_features(self, x: Any, y: Any = None) -> bool:
        body = self.layers[: len(self.layers) - len(self.head)]
        frozen = not any(layer.trainable_weights for layer in body)
        if _is_array(x) and _is_array(y) and len(x) != len(y):
            return False  # Keras refuses it, before any work
        images = len(x.shape) > 2 if _is_array(x) else getattr(x, "same_every_epoch", False)
        return frozen and images


def _run(body: keras.Model, x: Any, *, shuffle: bool = False, verbose: bool = False) -> Any:
    """Return the features of an array of images, or of the batches of a dataset."""
    if _is_array(x):
        return body.predict(x, verbose=int(verbose)).astype("float32")
    bar = keras.utils.Progbar(_steps(x), unit_name="batch of features") if verbose else None
    parts: list[Any] = []
    for batch in x:
        images, *rest = batch if isinstance(batch, tuple | list) else (batch,)
        found = ops.cast(body.predict_on_batch(images), "float32")
        parts.append(keras.tree.map_structure(ops.convert_to_numpy, (found, *rest)))
        if bar is not None:
            bar.add(1)
    return _Features(parts, shuffle=shuffle)


class _Features(keras.utils.PyDataset):
    """Batches of features with what came beside them."""

    def __init__(self, batches: list[Any], *, shuffle: bool) -> None:
        super().__init__()
        self.size = len(batches[0][0])
        self.shuffle = shuffle
        self.columns = keras.tree.map_structure(lambda *parts: np.concatenate(parts), *batches)
        self.order = np.arange(len(self.columns[0]))

    def __len__(self) -> int:
        return -(-len(self.order) // self.size)

    def __getitem__(self, index: int) -> Any:
        rows = self.order[index * self.size : (index + 1) * self.size]
        return keras.tree.map_structure(lambda column: column[rows], self.columns)

    def begin_epoch(self, epoch: int, logs: Any = None) -> None:
        """Draw the order of an epoch by its number, so that a resumed training has the same."""
        if self.shuffle:
            self.order = np.random.default_rng(epoch).permutation(len(self.order))


def _with(callbacks: Any, features: _Features) -> Any:
    """Return the callbacks with one that draws the order of each epoch."""
    drawing = keras.callbacks.LambdaCallback(on_epoch_begin=features.begin_epoch)
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.append(drawing)
        return callbacks
    return [*keras.tree.flatten(callbacks or []), drawing]


def _is_array(x: Any) -> bool:
    return hasattr(x, "shape") and hasattr(x, "dtype")


def _steps(x: Any) -> int | None:
    """Return how many batches a dataset has, or None where it does not know."""
    try:
        return len(x)
    except TypeError:
        return None
