"""Checks of an installation: each says what it saw, whether it is in order, and what to do if not."""

from console.doctor.findings import Finding, Status, is_in_order
from console.doctor.running import Check, examine

__all__ = ["Check", "Finding", "Status", "examine", "is_in_order"]
