"""Which stretch of an upload's pictures is which stretch of a reference's."""
