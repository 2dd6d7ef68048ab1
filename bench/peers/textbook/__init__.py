"""A textbook Django project: verify, parse, `acreate()`, `enqueue_job()`, 202; its job writes row by row."""
