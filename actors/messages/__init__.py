"""What the actors tell each other: one file for each actor's protocol.

Each file has the messages that others send first, and those that an actor (or what it owns) sends
to itself after them, with a leading underscore in none of the names but a line between the two.
"""
