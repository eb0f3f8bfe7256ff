"""What commands can see of a load run, and ask of it."""
