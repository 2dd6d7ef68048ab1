"""What the processes report about themselves: log lines, counters, and spans."""
