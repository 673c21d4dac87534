"""Whose it is, what it is, how we talk to it: tenants, devices, credentials, agents, notices and audit, on which all
apps stand."""
