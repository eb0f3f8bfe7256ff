"""The session machine: its states, what has been said, what each action means."""
