"""Pages of service templates."""
