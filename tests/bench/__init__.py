"""Benchmarks: ``python3 dev.py bench [NAME…] [--json FILE]``. Every figure is a ratio to a reference of the same run."""
