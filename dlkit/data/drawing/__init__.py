"""Drawings that all kinds of data share."""
