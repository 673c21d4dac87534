"""When: the next times of triggers, the calendar, and the filters that take days away."""
