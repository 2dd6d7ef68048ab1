"""What `make bench` runs: receiver and worker and their peers, side by side on one pinned core."""
