"""Pages of jobs, runs, approvals, the calendar, filters and the dashboard: parse, call, render."""
