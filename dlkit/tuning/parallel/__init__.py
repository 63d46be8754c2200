"""A search on several processes: one chief, which has the oracle, and workers that train."""
