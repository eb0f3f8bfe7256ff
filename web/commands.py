"""The commands of the control socket over HTTP: the same models, done by the same handlers."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from pydantic_core import from_json, to_json

from ..control.commands.handler import Handler
from ..control.commands.validation import validated
from ..control.models.base import Command
from ..control.problem import ControlError, ProblemKind
from .playable_files import PlayableFiles
from .problem_details import ProblemDetails, Refusal
from .visitor_role import VisitorRole
from .visitors import at_least


@dataclass(frozen=True, slots=True)
class CommandRoute:
    """A command, and where it is on the board.

    Attributes:
        method: GET for what changes nothing; its fields are in the query. Else POST; they are in
            the body, as JSON.
        path: where; a name in braces is a field of the command.
        name: the command's.
        role: what a visitor needs.
        fixed: fields that have one value here.
    """

    method: str
    path: str
    name: str
    role: VisitorRole
    fixed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def places(self) -> list[str]:
        """The fields that are in the path."""
        return re.findall(r"{(\w+)", self.path)


VIEW, LISTEN, CONTROL = VisitorRole.VIEW, VisitorRole.LISTEN, VisitorRole.CONTROL
CALL = "/api/calls/{call:path}"
ACCOUNT = "/api/accounts/{account}"
CONVERSATION = ACCOUNT + "/conversations/{peer:path}"

#: What stands where. Those with a longer path come before those that would take it for their own.
ROUTES = (
    CommandRoute("GET", "/api/status", "status", VIEW),
    CommandRoute("GET", "/api/calls", "calls", VIEW),
    CommandRoute("GET", "/api/load/points", "points", VIEW),
    CommandRoute("GET", "/api/history", "history", VIEW),
    CommandRoute("GET", "/api/history/{call:path}", "past-call", VIEW),
    CommandRoute("POST", "/api/calls", "call", CONTROL, {"detach": True}),
    CommandRoute("POST", "/api/hangup", "hangup", CONTROL),
    CommandRoute("POST", f"{CALL}/hangup", "hangup", CONTROL, {"all": False}),
    CommandRoute("POST", f"{CALL}/say", "say", CONTROL, {"wait": False}),
    CommandRoute("POST", f"{CALL}/play", "play", CONTROL, {"wait": False}),
    CommandRoute("POST", f"{CALL}/answer", "answer", CONTROL),
    CommandRoute("POST", f"{CALL}/decline", "decline", CONTROL),
    CommandRoute("POST", f"{CALL}/hold", "hold", CONTROL),
    CommandRoute("POST", f"{CALL}/mute", "mute", CONTROL),
    CommandRoute("POST", f"{CALL}/press", "press", CONTROL),
    CommandRoute("POST", f"{CALL}/record", "record", CONTROL),
    CommandRoute("GET", f"{ACCOUNT}/conversations", "conversations", VIEW),
    CommandRoute("GET", f"{CONVERSATION}/messages", "messages", LISTEN),
    CommandRoute("POST", f"{CONVERSATION}/messages", "message", CONTROL),
    CommandRoute("POST", f"{ACCOUNT}/login", "login", CONTROL),
    CommandRoute("POST", f"{ACCOUNT}/logout", "logout", CONTROL),
    CommandRoute("POST", f"{ACCOUNT}/presence", "presence", CONTROL),
    CommandRoute("POST", "/api/reload", "reload", CONTROL),
    CommandRoute("POST", "/api/stop", "stop", CONTROL),
)


def command_router(commands: Mapping[str, Handler]) -> APIRouter:
    """Return the routes of commands.

    Args:
        commands: those that can be given, by their names.
    """
    router = APIRouter(tags=["commands"])
    for one in ROUTES:
        if one.name not in commands:
            continue
        command = commands[one.name].command
        router.add_api_route(
            one.path,
            _endpoint(one),
            methods=[one.method],
            name=f"{one.method} {one.path}",
            summary=_summary(command),
            response_model=command.result,
            responses={"default": {"model": ProblemDetails}},
            dependencies=[Depends(at_least(one.role))],
            openapi_extra=_described(one, command),
        )
    return router


def _endpoint(route: CommandRoute) -> Callable[[Request], Awaitable[Response]]:
    read = _query if route.method == "GET" else _body

    async def do(request: Request) -> Response:
        given = await read(request)
        for name, value in ({**request.path_params, **route.fixed}).items():
            if name in given:
                raise ControlError(ProblemKind.WRONG_ARGUMENT, f"{name}: it can't be given here")
            given[name] = value
        result = await carry_out(request, route.name, given, is_text=route.method == "GET")
        return Response(to_json(result), media_type="application/json")

    return do


async def carry_out(
    request: Request, name: str, given: Mapping[str, Any], *, is_text: bool = False
) -> Any:
    """Do a command, and return its result.

    Args:
        request: what asks for it.
        name: the command's.
        given: its fields.
        is_text: whether numbers and truth values are texts, as in a query.

    Raises:
        ControlError: a field can't be used, or the command is refused.
    """
    handler: Handler = request.app.state.commands[name]
    playable: PlayableFiles = request.app.state.playable
    allowed = await playable.replaced(handler.command, given)
    command = validated(handler.command, allowed, is_text=is_text)
    return await handler.handle(command, request.app.state.instance, _tell_nobody)


def _tell_nobody(*_: BaseModel | bytes) -> None:
    """Leave out what is told before the result: `/api/events` tells it."""


async def _query(request: Request) -> dict[str, Any]:
    given = dict(request.query_params)
    if len(given) < len(request.query_params.multi_items()):
        raise ControlError(ProblemKind.WRONG_ARGUMENT, "a field is given twice: give it once")
    return given


async def _body(request: Request) -> dict[str, Any]:
    body = await request.body()
    if not body:
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(415, "the body is no JSON: send it with Content-Type: application/json")
    try:
        given = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise ControlError(ProblemKind.BAD_REQUEST, f"the body is no JSON: {error}") from None
    if not isinstance(given, dict):
        raise ControlError(ProblemKind.BAD_REQUEST, "the body is no JSON object: send one")
    return given


# -- as OpenAPI has it -----------------------------------------------------------------------------


def _summary(command: type[Command[Any]]) -> str:
    return (command.__doc__ or "").partition("\n")[0].rstrip(".")


def _described(route: CommandRoute, command: type[Command[Any]]) -> dict[str, Any]:
    """Describe the fields of a command."""
    schema = command.model_json_schema()
    required = set(schema.get("required", ()))
    fields = {
        name: one for name, one in schema.get("properties", {}).items() if name not in route.fixed
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": fields.pop(name)}
        for name in route.places
    ]
    if route.method == "GET":
        parameters += [
            {"name": name, "in": "query", "required": name in required, "schema": one}
            for name, one in fields.items()
        ]
        return {"parameters": parameters}
    body = {
        "type": "object",
        "properties": fields,
        "required": sorted(required & fields.keys()),
        "additionalProperties": False,
    }
    is_needed = bool(body["required"])
    content = {"application/json": {"schema": body}}
    return {"parameters": parameters, "requestBody": {"required": is_needed, "content": content}}
