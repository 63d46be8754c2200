"""Image files become data."""
