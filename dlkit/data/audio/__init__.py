"""Sound files become data."""
