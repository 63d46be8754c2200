"""The REST side of the server."""
