"""The sounds of the desk, and the program that makes them."""
