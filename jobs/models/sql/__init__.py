"""The few statements written by hand, for what every claim, tick and store asks many times a second."""
