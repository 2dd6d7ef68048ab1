"""What `make bench` runs: this receiver and its peers, side by side on one pinned core."""
