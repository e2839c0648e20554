"""The first run: connect this laptop to an event."""
