"""The page's own files: read once, served from memory, to anybody, as they hold nothing."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

from .problem_details import Refusal

HERE = Path(__file__).parent / "page"
#: What the load report draws its charts with too.
VENDOR = Path(__file__).parents[1] / "load" / "report" / "vendor"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page.

    Attributes:
        octets: what is in it.
        media_type: what it is.
        tag: tells it from other versions of it (RFC 9110 §8.8.3).
    """

    octets: bytes
    media_type: str
    tag: str

    @classmethod
    def read(cls, file: Path) -> "PageFile":
        """Read a file. Blocks."""
        octets = file.read_bytes()
        tag = f'"{hashlib.sha256(octets).hexdigest()[:24]}"'
        return cls(octets, _TYPES[file.suffix], tag)


def page_files() -> dict[str, PageFile]:
    """Return the page's files by their names. Blocks."""
    found = {one.name: one for one in HERE.iterdir() if one.suffix in _TYPES}
    found["uplot.js"] = VENDOR / "uPlot.iife.min.js"
    found["uplot.css"] = VENDOR / "uPlot.min.css"
    return {name: PageFile.read(file) for name, file in found.items()}


router = APIRouter(include_in_schema=False)


@router.get("/")
async def index(request: Request) -> Response:
    """Give the page."""
    return _served(request, "index.html")


@router.get("/page/{name}")
async def part(request: Request, name: str) -> Response:
    """Give a part of the page."""
    return _served(request, name)


def _served(request: Request, name: str) -> Response:
    files: dict[str, PageFile] = request.app.state.files
    found = files.get(name)
    if found is None:
        raise Refusal(404, "the page has no such part")
    headers = {"ETag": found.tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == found.tag:
        return Response(status_code=304, headers=headers)
    return Response(found.octets, 200, headers, found.media_type)
