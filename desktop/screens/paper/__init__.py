"""Paper: room lists by time, or everybody by name, from the cache, to print or to save as a PDF."""
