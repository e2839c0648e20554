"""Reads for people: lists, searches and single rows. SQLAlchemy Core on a small pool; nothing here writes."""
