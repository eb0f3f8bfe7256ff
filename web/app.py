"""The board's application: what is served where."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ..config.web import WebSettings
from ..control.commands.events import Telling
from ..control.commands.handler import Handler, Served
from ..control.commands.validation import fault
from ..control.problem import ControlError, ProblemKind
from ..control.version import VERSION
from . import (
    events,
    ladders,
    page_media,
    pages,
    playable_files,
    recordings,
    snapshots,
    visitors,
    whep,
    whip,
)
from .commands import command_router
from .page_sessions import PageSessions
from .problem_details import BUG, ServerFolders, problem_response, refusal_of
from .visitor_role import VisitorRole
from .visitors import Visitors, at_least


class Shown(Served, Telling, Protocol):
    """What a board shows: an instance, or a load run."""


#: What there is of calls but the commands. The calls of a load run are its shards', out of reach.
_OF_CALLS = (ladders, page_media, playable_files, recordings, snapshots, whep, whip)


def make_app(
    instance: Shown,
    commands: Mapping[str, Handler],
    settings: WebSettings,
    known: Visitors,
    sessions: PageSessions,
) -> FastAPI:
    """Return the application.

    Args:
        instance: what runs.
        commands: what can be asked of it.
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
    app.state.commands = commands
    app.state.instance = instance
    app.state.visitors = known
    app.state.settings = settings
    app.state.sessions = sessions
    own = () if settings.files is None else (settings.files,)
    app.state.folders = ServerFolders((*own, *instance.folders()))
    app.state.playable = playable_files.PlayableFiles(settings.files)
    app.state.snapshots = snapshots.Snapshots()
    app.include_router(visitors.router)
    app.include_router(command_router(commands))
    has_calls = "ladder" in commands
    for part in (events, pages, *(_OF_CALLS if has_calls else ())):
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


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ControlError)  # noqa: S101 - it is registered for these
    return problem_response(error, request.app.state.folders)


async def _refused_by_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for these
    return refusal_of(error).response(request.app.state.folders)


async def _bug(_: Request, error: Exception) -> Response:
    return BUG.response()  # the gate logs it


async def _not_valid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for these
    [first, *_rest] = error.errors()
    where = str(first["loc"][0])  # query, path or body
    words = fault(first, f"the {where}", (), secret=where == "body")
    refused = ControlError(ProblemKind.WRONG_ARGUMENT, words)
    return problem_response(refused, request.app.state.folders)
