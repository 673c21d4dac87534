"""The demo world: fixed tenants, people, devices and templates that people, tests and scripts rely on."""
