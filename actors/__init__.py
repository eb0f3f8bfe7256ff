"""The exchange: the asyncio runtime for Pykka, and the actors that run on it."""

from .runtime.actor import AsyncioActor, AsyncioActorRef, handles
from .runtime.future import AsyncioFuture
from .runtime.threading_actor import ThreadingActor

__all__ = ["AsyncioActor", "AsyncioActorRef", "AsyncioFuture", "ThreadingActor", "handles"]
