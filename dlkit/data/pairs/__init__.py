"""Sentences and their translations become data."""
