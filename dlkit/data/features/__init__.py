"""Tables of mixed columns become data."""
