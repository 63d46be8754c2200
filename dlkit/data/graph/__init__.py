"""Graphs, of whose nodes some have a label, become data."""
