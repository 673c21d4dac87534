"""OpsRamp's job bodies, read and written without a database.

The source is OpsRamp's page "Create job" (`POST /api/v2/tenants/{tenantId}/jobs`); where it contradicts itself, both
spellings are read and the sample's is written.
"""
