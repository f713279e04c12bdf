"""The indexes that references are searched in: hashes, and local features."""
