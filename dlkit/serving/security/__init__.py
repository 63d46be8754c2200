"""Who may ask, and over which connections."""
