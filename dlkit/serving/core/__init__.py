"""What all parts of the server stand on: status codes, signatures, versions, settings."""
