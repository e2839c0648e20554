"""The screens, driven by keyboard and looked at as pictures."""
