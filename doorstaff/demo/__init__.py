"""An evening of made-up traffic with planted attacks, run through the real pipeline."""
