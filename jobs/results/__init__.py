"""What is kept of a run and told of it: notifications, configuration backups, transcripts."""
