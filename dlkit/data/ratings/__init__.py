"""Who rated what, and how high, becomes data."""
