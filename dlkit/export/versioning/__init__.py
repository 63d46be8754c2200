"""Version directories: written whole, labelled, kept, registered."""
