"""The board's application: what is served where."""

import asyncio

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ..config.error_sentence import sentence
from ..config.web import WebSettings
from ..control.instance.instance import Instance
from ..control.problem import ControlError, ProblemKind
from ..control.version import VERSION
from . import commands, events, ladders, page_media, pages, recordings, visitors, whep, whip
from .page_sessions import PageSessions
from .problem_details import BUG, problem_response, refusal_of
from .visitor_role import VisitorRole
from .visitors import Visitors, at_least


def make_app(
    instance: Instance, settings: WebSettings, known: Visitors, sessions: PageSessions
) -> FastAPI:
    """Return the application.

    Args:
        instance: what runs.
        settings: of the board.
        known: tells visitors by their requests.
        sessions: those of pages that listen to calls, or talk in them.
    """
    app = FastAPI(
        title="Callboard",
        version=VERSION,
        description="What a running instance of Callboard does, and what it can be told.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.instance = instance
    app.state.visitors = known
    app.state.settings = settings
    app.state.sessions = sessions
    app.include_router(visitors.router)
    app.include_router(commands.command_router())
    for part in (events, ladders, page_media, pages, recordings, whep, whip):
        app.include_router(part.router)
    app.add_exception_handler(ControlError, _refused)
    app.add_exception_handler(HTTPException, _refused_by_http)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(Exception, _bug)

    describing = asyncio.Lock()

    @app.get("/api/openapi.json", include_in_schema=False, dependencies=[_SEES])
    async def openapi() -> Response:
        async with describing:  # it takes a quarter of a second, the first time
            described = await asyncio.to_thread(_described, app)
        return Response(described, media_type="application/json")

    return app


def _described(app: FastAPI) -> bytes:
    return to_json(app.openapi())


_SEES = Depends(at_least(VisitorRole.VIEW))


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, ControlError)  # noqa: S101 - it is registered for these
    return problem_response(error)


async def _refused_by_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for these
    return refusal_of(error).response()


async def _bug(_: Request, error: Exception) -> Response:
    return BUG.response()  # the gate logs it


async def _not_valid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for these
    [first, *_rest] = error.errors()
    place = tuple(first["loc"])
    words = sentence(first, place, secret=True)
    return problem_response(ControlError(ProblemKind.WRONG_ARGUMENT, words))
