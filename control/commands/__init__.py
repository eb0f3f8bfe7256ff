"""The commands that a running instance takes, a noun a file."""
