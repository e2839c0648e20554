"""The authority on a real Postgres."""
