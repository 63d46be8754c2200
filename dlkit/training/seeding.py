"""One seed for everything that draws random numbers."""

from typing import Any

from dlkit.errors import InputError

_LIMIT = 2**32  # NumPy takes no larger seed
_given: list[int] = []


def set_seed(seed: int, *, deterministic: bool = False) -> None:
    """Seed Python, NumPy, Keras and TensorFlow.

    Call it once, before the data set and the model are made: two runs with one seed on one machine
    then give the same weights. On a GPU some kernels add numbers in the order in which threads
    arrive; `deterministic=True` replaces them, at some cost in speed. What no call can change after
    the start is the order of Python sets of strings: set `PYTHONHASHSEED` where code relies on it.

    Args:
        seed: Whole number in [0, 2**32).
        deterministic: Whether TensorFlow must use only operations that give the same result each
            time (`tf.config.experimental.enable_op_determinism`). Defaults to False.

    Raises:
        InputError: when the seed is out of range, or `deterministic` is asked of a backend other
            than TensorFlow.

    Example:
        >>> import numpy as np
        >>> set_seed(7)
        >>> first = np.random.rand()
        >>> set_seed(7)
        >>> np.random.rand() == first
        True
    """
    import keras

    seed = _check_seed(seed)
    if deterministic:
        _make_deterministic(keras.backend.backend())
    keras.utils.set_random_seed(seed)
    _given[:] = [seed]


def last_seed() -> int | None:
    """Return the seed of the last `set_seed` in this process, for the record of a run.

    Example:
        >>> set_seed(7)
        >>> last_seed()
        7
    """
    return _given[0] if _given else None


def _check_seed(seed: Any) -> int:
    whole = not isinstance(seed, bool) and hasattr(seed, "__index__")
    if not whole or not 0 <= int(seed) < _LIMIT:
        raise InputError(
            f"seed must be a whole number from 0 to {_LIMIT - 1}. Received: seed={seed!r}."
        )
    return int(seed)


def _make_deterministic(backend: str) -> None:
    if backend != "tensorflow":
        raise InputError(
            "deterministic=True works on Keras's tensorflow backend only; use deterministic=False,"
            f" or set KERAS_BACKEND=tensorflow. Received: backend={backend!r}."
        )
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
