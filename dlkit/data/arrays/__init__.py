"""NumPy arrays become data."""
