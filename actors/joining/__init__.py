"""Actors that tie calls together."""
