"""Encoded frames, and what can be read from them without decoding."""
