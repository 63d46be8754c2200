"""Texts become data."""
