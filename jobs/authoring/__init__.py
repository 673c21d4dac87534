"""Making and changing jobs: drafts, triggers, conflicts with other jobs, OpsRamp's jobs."""
