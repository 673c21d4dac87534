"""A process that talks to devices: engine, pool, claims, device locks, leases, sessions, journal, completion,
recovery."""
