"""The day in memory: what screens read, and what they ask for."""
