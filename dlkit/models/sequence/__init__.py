"""Networks for what comes in an order, texts and series, a family a file."""
