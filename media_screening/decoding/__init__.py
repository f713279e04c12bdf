"""From a file or an address of a stranger's choosing to frames and samples, behind fences."""
