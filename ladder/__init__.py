"""Ladders: what happened in a call, in order and on one clock, and how it is shown and kept."""
