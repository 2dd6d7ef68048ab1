"""The records that handlers write: repositories, pushes, commits, pull requests, issues and others."""
