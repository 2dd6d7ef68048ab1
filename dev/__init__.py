"""What `make run` starts: a development supervisor over the Procfile and an embedded Redis."""
