"""How time is cut: a window is so many panes, aligned to the epoch (``detectors.window``)."""

PANES = 60
