"""The JSON API for programs, in the console's process at `/api/v1/`."""
