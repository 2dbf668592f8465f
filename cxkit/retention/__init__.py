"""Do customers with a better experience stay longer? From the clock to the answer."""
