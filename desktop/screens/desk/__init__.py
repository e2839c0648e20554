"""The Desk: find a person, check in, undo, send them to the right room."""
