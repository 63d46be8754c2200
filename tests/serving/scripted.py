"""A server that answers what it is told to, for clients in trouble."""

GOOD = (200, b'{"outputs": [1.0]}')
