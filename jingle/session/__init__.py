"""The session machine: its states, the agreement so far, and what each action means."""
