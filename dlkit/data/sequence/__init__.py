"""Sequences of measurements: how they are augmented and drawn."""
