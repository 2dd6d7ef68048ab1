"""`python -m dev`: what `make run` runs."""

import sys

from dev.supervisor import main

if __name__ == "__main__":
    sys.exit(main())
