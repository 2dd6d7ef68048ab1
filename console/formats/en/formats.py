"""Times as the rest of the console writes them, with their zone."""

DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "Y-m-d H:i e"
