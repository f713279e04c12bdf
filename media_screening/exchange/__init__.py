"""Hash lists as others keep them, read and written."""
