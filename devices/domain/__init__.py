"""Pure values and rules about tenants, devices and secrets: no Django, no clock, no I/O."""
