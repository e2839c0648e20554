"""The rules and the protocol, by themselves: no database, no clock, no network."""
