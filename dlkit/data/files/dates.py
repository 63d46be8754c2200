"""Dates as texts, and the Keras layer that takes them apart inside an export."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import keras
import tensorflow as tf

PARTS = ("year", "month", "day", "weekday", "hour")
_PATTERN = r"\d{4}[-/](0[1-9]|1[0-2])[-/](0[1-9]|[12]\d|3[01])([ T]([01]\d|2[0-3])(:[0-5]\d.*)?)?"
_MISSING = "0000-00-00 00"
# Other ways to write dates, and the same as ISO 8601 has it; what does not match stays as it is.
_COMPACT = (r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3")
_PADDED = ((r"^(\d[-./])", r"0\1"), (r"^(\d\d[-./])(\d[-./])", r"\g<1>0\2"))
_NUMBERS = r"^(\d\d)[-./](\d\d)[-./](\d{4})"
_ORDERS = {True: r"\3-\2-\1", False: r"\3-\1-\2"}


def _rewritings(dayfirst: bool | None) -> list[tuple[str, str]]:
    if dayfirst is None:
        return [_COMPACT]
    return [_COMPACT, *_PADDED, (_NUMBERS, _ORDERS[dayfirst])]


def iso_date(text: str, dayfirst: bool | None = None) -> str | None:
    """Return a date as ISO 8601 writes it, with a time where `text` has one, or `None`.

    Args:
        text: What may be a date: as ISO 8601 writes it, with slashes for dashes too, or without
            any.
        dayfirst: Whether dates such as `01.02.2024`, with points, slashes or dashes, are read too:
            with the day first (`True`) or the month (`False`). Defaults to None: they are not.

    Example:
        >>> [iso_date(text) for text in ("2016-07-01 13:00", "20160701", "1.7.2016")]
        ['2016-07-01 13:00', '2016-07-01', None]
        >>> iso_date("1.7.2016", dayfirst=True), iso_date("07/01/2016", dayfirst=False)
        ('2016-07-01', '2016-07-01')
    """
    for pattern, order in _rewritings(dayfirst):
        text = re.sub(pattern, order, text, flags=re.ASCII)
    return text if re.fullmatch(_PATTERN, text, flags=re.ASCII) else None


def accepted_dates(dayfirst: bool | None) -> str:
    """Return how dates are written, for messages."""
    further = {None: "", True: " or 21.11.2026", False: " or 11/21/2026"}[dayfirst]
    return f"like 2026-11-21 or 2026-11-21 13:00{further}"


@keras.saving.register_keras_serializable(package="dlkit")
class DateParts(keras.layers.Layer):
    """Texts (B,) -> year, month 1-12, day 1-31, weekday 0-6 from Monday, hour 0-23 (B, 5).

    Keras has no layer that reads dates. A missing date gives NaN in each part; what is neither a
    date nor missing is refused, as in training. An export needs nothing to hold it; a `.keras` file
    of a preprocessing loads after `import dlkit.data.files.dates`.

    Args:
        column: The column's name, for messages. Defaults to "date".
        dayfirst: As `iso_date` has it. Defaults to None.
        na_values: Texts that stand for a missing date, besides an empty one. Defaults to ().
    """

    def __init__(
        self,
        column: str = "date",
        dayfirst: bool | None = None,
        na_values: Collection[str] = (),
        **options: Any,
    ):
        super().__init__(**options)
        self.column, self.dayfirst, self.na_values = column, dayfirst, list(na_values)

    def call(self, dates: Any) -> tf.Tensor:
        """Return the parts of each date."""
        iso = dates
        for pattern, order in _rewritings(self.dayfirst):
            iso = tf.strings.regex_replace(iso, pattern, order.replace(r"\g<1>", r"\1"))
        known = tf.strings.regex_full_match(iso, _PATTERN)
        missing = tf.reduce_any(dates[:, tf.newaxis] == tf.constant(["", *self.na_values]), axis=1)
        with tf.control_dependencies([self._refuse(tf.boolean_mask(dates, ~(known | missing)))]):
            # A date without a time is midnight's.
            whole = tf.where(known, tf.strings.join([iso, " 00"]), _MISSING)
        year, month, day, hour = (
            tf.strings.to_number(tf.strings.substr(whole, start, length), tf.int32)
            for start, length in ((0, 4), (5, 2), (8, 2), (11, 2))
        )
        parts = tf.stack([year, month, day, _weekday(year, month, day), hour], axis=-1)
        return tf.where(known[:, tf.newaxis], tf.cast(parts, tf.float32), float("nan"))

    def _refuse(self, wrong: tf.Tensor) -> tf.Operation:
        """Fail where there is a text in `wrong`, which is neither a date nor missing."""
        told = f"Column {self.column} takes dates {accepted_dates(self.dayfirst)}, and not"
        return tf.Assert(tf.equal(tf.size(wrong), 0), [told, wrong[:1]])

    def compute_output_spec(self, dates: Any) -> keras.KerasTensor:
        """Return the shape and type of `call`'s result."""
        return keras.KerasTensor((*dates.shape, len(PARTS)), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, so that a saved preprocessing reads dates alike."""
        own = {name: getattr(self, name) for name in ("column", "dayfirst", "na_values")}
        return {**super().get_config(), **own}


def _weekday(year: tf.Tensor, month: tf.Tensor, day: tf.Tensor) -> tf.Tensor:
    """Count days from 1 March of year 0, a Wednesday, so that a leap day ends its year."""
    early = tf.cast(month < 3, tf.int32)
    year, month = year - early, month + 12 * early - 3
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1
    return tf.math.floormod(days + 2, 7)
