"""The HTTP faces of the authority: thin, one file an area. Everything that changes something is a command."""
