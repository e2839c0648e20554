"""How a database got its schema, step by step; run by ``migrate``."""
