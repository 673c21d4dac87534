"""The ground every app stands on: settings, wiring by dotted name, errors, logs. Imports no app."""
