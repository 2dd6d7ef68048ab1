"""The read side of the ledger: filters, pages and counts that the console, the API and commands share."""
