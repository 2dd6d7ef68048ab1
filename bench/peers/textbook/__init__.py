"""A Django project as books teach it: verify, parse, `acreate()`, `enqueue_job()`, 202; then row by row."""
