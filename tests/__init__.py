"""Every test of Callboard; see tests/conftest.py for what they share."""
