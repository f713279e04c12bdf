"""Pure scoring: a fold over events in event time. No I/O, no clock, no streams."""
