"""The strategies: which values to try next, and what is kept of a trial."""
