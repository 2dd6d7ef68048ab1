"""From a committed delivery to its records: claim (lease), parse, run the handlers, settle."""
