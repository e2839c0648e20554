"""The sync engine and the authority as desks meet it."""
