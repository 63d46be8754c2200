"""A `Data` made of another one: other splits, weights, places."""
