"""Images with boxes of objects become data."""
