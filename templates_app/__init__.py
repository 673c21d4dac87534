"""What may be run: service templates with versions, typed runtime variables, configuration profiles, scripts."""
