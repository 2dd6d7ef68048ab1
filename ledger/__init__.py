"""The read side that console, API and commands share: filters, pages and counts; and operations."""
