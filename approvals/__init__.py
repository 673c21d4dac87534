"""Who agreed: approval requests bound to the digest of what they allow. Knows nothing of jobs."""
