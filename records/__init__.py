"""What handlers write down: repositories, pushes, commits, pull requests and issues."""
