"""Readers and checks of settings, pools for Redis, and the data folder of `make run`."""
