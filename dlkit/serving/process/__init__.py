"""Servers as processes: the command line, the foreground, a child of one's own program."""
