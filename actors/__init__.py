"""The exchange: the asyncio runtime for Pykka, and the actors that run on it."""

from .future import AsyncioFuture
from .runtime import AsyncioActor, AsyncioActorRef, ThreadingActor, handles

__all__ = ["AsyncioActor", "AsyncioActorRef", "AsyncioFuture", "ThreadingActor", "handles"]
