"""The screens, one folder each: a view-model and the page that draws it."""
