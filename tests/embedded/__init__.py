"""Tests of the Postgres that comes with the wheel, run by our own supervisor."""
