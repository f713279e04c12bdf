"""Recorded traffic, folded through the same scorer as the stream's."""
