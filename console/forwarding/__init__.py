"""Forwarding: stored deliveries sent to another URL, as GitHub sent them and signed anew."""
