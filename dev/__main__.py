"""`python -m dev`: the command of `make run`."""

import sys

from dev.supervisor import main

if __name__ == "__main__":
    sys.exit(main())
