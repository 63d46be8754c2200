"""`Data.check` and `Data.summary`: what is wrong with data, before training shows it."""
