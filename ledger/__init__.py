"""What console, API and commands share: filters, pages and counts of the ledger, and operations."""
