"""The three-step wizard: Job Details → Task Details → Schedule, over a draft in the database."""
