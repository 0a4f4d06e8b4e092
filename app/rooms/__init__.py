"""One folder per feature. A room declares itself in one `Room` object; rooms never import each other."""
