"""Attention: the refusals and flags that a person has to settle."""
