"""The HTTP faces, with the real application on a real database."""
