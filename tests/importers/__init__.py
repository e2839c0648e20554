"""Tests of the importers: real files, hostile files, CSV, and the demo day."""
