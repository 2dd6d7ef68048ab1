"""`python -m dev`: what `make run` runs."""

import sys

from django.core.exceptions import ImproperlyConfigured
from environs import EnvError

try:
    from dev.supervisor import main
except (EnvError, ImproperlyConfigured) as error:  # a wrong setting is told without a traceback
    sys.exit(f"hookkeeper: {error}")

if __name__ == "__main__":
    sys.exit(main())
