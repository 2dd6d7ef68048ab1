"""GitHub's REST API: its client, the recovery of missed deliveries, and the sync of a repository."""
