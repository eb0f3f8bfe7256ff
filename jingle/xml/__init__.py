"""Jingle's XML: one reader and one writer."""
