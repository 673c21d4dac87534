"""The ground every app stands on: settings, wiring by dotted name, errors, logs. Imports no app."""

#: The version of the product, said here only: pyproject.toml, the settings and the wheel's name read it.
__version__ = "0.1.0"
