"""The console: pages for people, `/metrics`, and the commands of `manage.py`, in a process of its own."""
