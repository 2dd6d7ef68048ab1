"""Benchmarks of `make bench`: receiver and worker beside their peers, each on one pinned core."""
