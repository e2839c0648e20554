"""Files that ship with the desk: themes, sounds, translations, the demo day."""
