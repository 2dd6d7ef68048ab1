"""Intake: verifies a delivery, keeps it, and wakes a worker. It knows nothing of what handlers do."""
