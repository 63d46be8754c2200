"""Keras's global settings, which `keras.backend.clear_session` puts back to their defaults.

KerasTuner clears the session before each model that it builds, so that memory is freed, and mixed
precision or a distribution that the user has chosen would be lost with it.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import config


def _switch(turn_on: Callable[[], None], turn_off: Callable[[], None]) -> Callable[[bool], None]:
    return lambda on: turn_on() if on else turn_off()


# How each is read, and how it is set.
_SETTINGS: tuple[tuple[Callable[[], Any], Callable[[Any], None]], ...] = (
    (config.dtype_policy, config.set_dtype_policy),
    (keras.distribution.distribution, keras.distribution.set_distribution),
    (
        config.is_interactive_logging_enabled,
        _switch(config.enable_interactive_logging, config.disable_interactive_logging),
    ),
    (
        config.is_traceback_filtering_enabled,
        _switch(config.enable_traceback_filtering, config.disable_traceback_filtering),
    ),
)


def read_settings() -> list[Any]:
    """Return the settings as they are.

    Example:
        >>> keras.config.set_dtype_policy("mixed_bfloat16")
        >>> settings = read_settings()
        >>> keras.backend.clear_session()
        >>> restore_settings(settings)
        >>> keras.config.dtype_policy().name
        'mixed_bfloat16'
        >>> keras.config.set_dtype_policy("float32")
    """
    return [read() for read, _ in _SETTINGS]


def restore_settings(settings: list[Any]) -> None:
    """Set them as they were.

    Args:
        settings: What `read_settings` has returned.
    """
    for (_, change), value in zip(_SETTINGS, settings, strict=True):
        change(value)


def clear_session() -> None:
    """Free what Keras holds of earlier models, and keep the settings."""
    settings = read_settings()
    keras.backend.clear_session()
    restore_settings(settings)
