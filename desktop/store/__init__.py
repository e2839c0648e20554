"""What a desk keeps: the sacred outbox, a cache that may be thrown away, and the replica that both make up. Qt-free."""
