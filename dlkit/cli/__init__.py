"""The `dlkit` command."""
