"""Reports of the processes about themselves: log lines, counters, and spans."""
