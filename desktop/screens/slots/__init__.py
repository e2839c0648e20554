"""The plain list of slots that somebody could be put in: for Move… and Reserve, from any screen."""
