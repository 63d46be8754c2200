"""Files and tables as users have them: found, read, and their cells understood."""
