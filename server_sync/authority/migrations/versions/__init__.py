"""One module a step; each brings its SQL beside it, frozen as it was."""
