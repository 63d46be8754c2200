"""The named data sets: what they are, and their files downloaded and kept."""
