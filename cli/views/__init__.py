"""What people and programs see of a command while it runs."""
