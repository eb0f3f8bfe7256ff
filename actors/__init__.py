"""The exchange: the asyncio runtime for Pykka, and the actors that run on it."""

from .runtime.actor import AsyncioActor, AsyncioActorRef, ThreadingActor, handles
from .runtime.future import AsyncioFuture

__all__ = ["AsyncioActor", "AsyncioActorRef", "AsyncioFuture", "ThreadingActor", "handles"]
