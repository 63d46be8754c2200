"""A layer that no two traces of agree on: every export of it must fail its check."""

import keras


class Unlike(keras.layers.Layer):
    """Answers `predict` and an export differently."""

    def __init__(self, **options):
        super().__init__(**options)
        self.calls = 0

    def call(self, x):
        self.calls += 1  # counts traces: predict has one, the export another
        return x + float(self.calls)
