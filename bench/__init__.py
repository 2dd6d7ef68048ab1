"""Benchmarks of `make bench`: each part of Hookkeeper beside its peers, on pinned cores."""
