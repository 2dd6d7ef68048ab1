"""Intake: verifies a delivery, stores it, and wakes a worker. It knows nothing of what handlers do."""
