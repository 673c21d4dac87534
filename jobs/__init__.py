"""What is run, when, and what happened: service jobs, triggers, runs."""
