"""The authority and the protocol that it shares with every desk."""
