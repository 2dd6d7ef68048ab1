"""GitHub's REST API: its client, and the recovery of deliveries that did not arrive."""
