"""Files that mean harm, or are merely odd; all of them are made here, none is kept."""
