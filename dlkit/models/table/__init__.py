"""Networks for tables, and what is special to them."""
