"""What is done in C, where it could be compiled, for those who have the same in Python."""
