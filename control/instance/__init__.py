"""What commands can see of a running instance, and ask of it."""
