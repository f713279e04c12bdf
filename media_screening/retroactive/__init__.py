"""New references held against past uploads."""
