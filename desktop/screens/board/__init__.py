"""The Board: rooms are columns, time runs down, slots are cards."""
