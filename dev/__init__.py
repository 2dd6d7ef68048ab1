"""The development supervisor of `make run`: it runs the Procfile and an embedded Redis."""
