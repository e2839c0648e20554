"""The authority: Postgres, and the one way in which anything in it changes."""
