"""Telling receivers of the operator's what happens, over HTTP."""
