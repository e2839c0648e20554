"""Whole runs with real processes: the authority, desks, and lines between them that get cut."""
