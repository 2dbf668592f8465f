"""A study: the contract says what every column is, the loader holds the data to it."""
