"""Where alerts go: one file a destination, and the router that delivers."""
