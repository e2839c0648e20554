"""The desk's store: durability, refusals of the disk, and the rebase."""
