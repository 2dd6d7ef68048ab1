"""Settings of the suite: the receiver's, and the app that holds the commands.

Tests of the console's pages use a real console process, so accounts and sessions stay out of this one, and
no test pays for their tables.
"""

import settings
from settings import *  # noqa: F403 - as in console/settings.py

INSTALLED_APPS = [*settings.INSTALLED_APPS, "console"]
