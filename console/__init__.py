"""The user interface: the commands of `manage.py`."""
