"""The console with the limit of STATEMENT_WITHIN for a statement, in seconds; 0 is none."""

import os

from console.asgi import application  # noqa: F401 - for uvicorn
from database import postgresql

postgresql.answer_within(float(os.environ["STATEMENT_WITHIN"]) or None)
