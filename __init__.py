"""Callboard: XMPP bots that call, in which every account, conversation and call is an actor.

The root imports nothing, so that looking at the package costs nothing:
bot authors import from ``callboard.bots``, protocol work from ``callboard.jingle``.
"""
