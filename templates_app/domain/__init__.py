"""Pure values and rules of service templates: content, variables, rendering."""
