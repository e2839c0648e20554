"""The window: rail, status strip, palette and cheat sheet around the pages."""
