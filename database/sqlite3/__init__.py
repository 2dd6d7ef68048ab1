"""Django's SQLite backend, except for how a statement waits for another connection's lock."""
