"""The call actor and its parts."""
