"""Dates as texts, and the Keras layer that takes them apart inside an export."""

from __future__ import annotations

import re
from typing import Any

import keras
import tensorflow as tf

PARTS = ("year", "month", "day", "weekday", "hour")
_PATTERN = r"\d{4}[-/](0[1-9]|1[0-2])[-/](0[1-9]|[12]\d|3[01])([ T]([01]\d|2[0-3])(:[0-5]\d.*)?)?"
_MISSING = "0000-00-00 00"


def is_date(text: str) -> bool:
    """Return whether `text` is a date as ISO 8601 writes it, with or without a time.

    Example:
        >>> is_date("2016-07-01 13:00:00"), is_date("2016/07/01"), is_date("1.7.2016")
        (True, True, False)
    """
    return re.fullmatch(_PATTERN, text) is not None


@keras.saving.register_keras_serializable(package="dlkit")
class DateParts(keras.layers.Layer):
    """Texts (B,) -> year, month 1-12, day 1-31, weekday 0-6 from Monday, hour 0-23 (B, 5).

    Keras has no layer that reads dates. What is no date gives NaN in each part. An export needs
    nothing to hold it; a `.keras` file of a preprocessing loads after `import dlkit.data.dates`.
    """

    def call(self, dates: Any) -> tf.Tensor:
        """Return the parts of each date."""
        known = tf.strings.regex_full_match(dates, _PATTERN)
        # A date without a time is midnight's.
        whole = tf.where(known, tf.strings.join([dates, " 00"]), _MISSING)
        year, month, day, hour = (
            tf.strings.to_number(tf.strings.substr(whole, start, length), tf.int32)
            for start, length in ((0, 4), (5, 2), (8, 2), (11, 2))
        )
        parts = tf.stack([year, month, day, _weekday(year, month, day), hour], axis=-1)
        return tf.where(known[:, tf.newaxis], tf.cast(parts, tf.float32), float("nan"))

    def compute_output_spec(self, dates: Any) -> keras.KerasTensor:
        """Return the shape and type of `call`'s result."""
        return keras.KerasTensor((*dates.shape, len(PARTS)), dtype="float32")


def _weekday(year: tf.Tensor, month: tf.Tensor, day: tf.Tensor) -> tf.Tensor:
    """Count days from 1 March of year 0, a Wednesday, so that a leap day ends its year."""
    early = tf.cast(month < 3, tf.int32)
    year, month = year - early, month + 12 * early - 3
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1
    return tf.math.floormod(days + 2, 7)
