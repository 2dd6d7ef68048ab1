"""What people look at and use: today the commands of `manage.py`."""
