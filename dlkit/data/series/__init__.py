"""Series in time order become windows and what follows them."""
