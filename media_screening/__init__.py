"""Video screening: frames, fingerprints, the reference index, alignment, the worker."""
