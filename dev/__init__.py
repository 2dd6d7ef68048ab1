"""For developers: the supervisor of `make run`, and the reference that is written from the code."""
