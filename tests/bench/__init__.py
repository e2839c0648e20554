"""Benchmarks: ``python3 dev.py bench [NAME…] [--json FILE]``. Figures are ratios within one run."""
