"""The server of the review page. Only who knows the token in its address, in a browser on this machine, gets anything.

A page of another site cannot read the token. It is refused, too, by its Origin, and by a Host that is not this machine
(DNS rebinding).
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from batchdigits.errors import BatchdigitsError
from batchdigits.output.review_answers import MODES
from batchdigits.quiet import silent_stderr
from batchdigits.review.pictures import glyph_png, scan_png
from batchdigits.review.requests import Json, RequestError
from batchdigits.review.review import Review
from batchdigits.review.rows import Filter
from batchdigits.review.scan_files import ScanFiles
from batchdigits.text import is_line
from batchdigits.web.page import COMMON

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

FILES = {path.name: path for folder in (Path(__file__).parent / "page", COMMON) for path in folder.iterdir()}
CONTENT_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")
MAX_BODY_BYTES = 1 << 20  # a thousand answers take 60 kB
MAX_CARDS = 1000
MAX_SIDE = 2000  # pixels
MAX_NEIGHBOURS = 10
MAX_TEXT = 64  # characters
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the address holds the token
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
Answer = Callable[["Request"], "Response | Awaitable[Response]"]


def application(review: Review, files: ScanFiles, token: str) -> ASGIApp:
    """The server's application, all of it below `/TOKEN/`."""
    from starlette.applications import Starlette
    from starlette.routing import Mount, Route

    site = _Site(review, files)
    routes = [
        Route("/", site.page),
        Route("/page/{name}", site.page),
        Route("/common/{name}", site.page),
        Route("/state", site.state),
        Route("/cards", site.cards),
        Route("/neighbours/{row:int}", site.neighbours),
        Route("/scan/{row:int}", site.scan),
        Route("/glyph/{row:int}", site.glyph),
        Route("/changes", site.changes),
        Route("/answers", site.answers, methods=["POST"]),
        Route("/undo", site.undo, methods=["POST"]),
    ]
    return _Guard(
        Starlette(routes=[Mount(f"/{token}", routes=routes)], exception_handlers={BatchdigitsError: _fault}), token
    )


@dataclass(frozen=True)
class _Site:
    """What each address answers. Those that are not `async` run in threads, so a large scan delays no answer."""

    review: Review
    files: ScanFiles

    def page(self, request: Request) -> Response:
        from starlette.responses import Response

        path = FILES.get(request.path_params.get("name", "index.html"))
        if path is None or path.suffix not in CONTENT_TYPES:
            raise RequestError("there is no such page")
        return Response(path.read_bytes(), media_type=CONTENT_TYPES[path.suffix])

    def state(self, request: Request) -> Response:
        return _json(self.review.state())

    def cards(self, request: Request) -> Response:
        query = request.query_params
        order = query.get("order")
        wanted = Filter(
            query.get("group"), query.get("status", ""), query.get("path", ""), order == "table", order == "score"
        )
        start, count = _number(request, "start", 0), min(_number(request, "count", 48), MAX_CARDS)
        is_differences = query.get("view") == "differences"
        at: int | Literal["open"] | None = None
        if "at" in query:
            at = "open" if query["at"] == "open" else _number(request, "at", 0)
        return _json(self.review.cards(wanted, query.get("answered") or "all", is_differences, start, count, at))

    def neighbours(self, request: Request) -> Response:
        count = min(_number(request, "count", 3), MAX_NEIGHBOURS)
        return _json(self.review.neighbours(request.path_params["row"], count))

    def scan(self, request: Request) -> Response:
        side = min(max(16, _number(request, "side", 160)), MAX_SIDE)
        is_wide = "wide" in request.query_params
        box = self.review.row(request.path_params["row"]).box
        return self._png(request, lambda source: scan_png(source, side, box, is_wide))

    def glyph(self, request: Request) -> Response:
        return self._png(request, glyph_png)

    def changes(self, request: Request) -> Response:
        return _json(self.review.changes(_number(request, "since", 0)))

    async def answers(self, request: Request) -> Response:
        fields = await _body(request)
        tab, mode, view, request_name = (_text(fields, name) for name in ("tab", "mode", "view", "request"))
        answers, since = fields.get("answers"), _since(fields)
        if mode not in MODES:
            raise RequestError(f"the mode is one of {', '.join(MODES)}")
        if not isinstance(answers, list) or not all(isinstance(answer, dict) for answer in answers):
            raise RequestError("answers is a list")
        return await _in_thread(lambda: self.review.answer(tab, mode, view, answers, since, request_name))

    async def undo(self, request: Request) -> Response:
        fields = await _body(request)
        tab, since = _text(fields, "tab"), _since(fields)
        return await _in_thread(lambda: self.review.undo(tab, since))

    def _png(self, request: Request, draw: Callable[[str], bytes]) -> Response:
        from starlette.responses import Response

        source = self.files.locate(self.review.row(request.path_params["row"]).source)
        with silent_stderr():
            png = draw(source)
        return Response(png, media_type="image/png", headers={"Cache-Control": "private, max-age=600"})


class _Guard:
    """Refuses what does not come from the page, and adds HEADERS to each answer."""

    def __init__(self, app: Starlette, token: str) -> None:
        self._app, self._token = app, token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.datastructures import MutableHeaders

        async def send_guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["type"] != "http":
            return
        fault = self._fault(scope)
        if fault:
            await _json({"error": fault}, 403)(scope, receive, send_guarded)
        else:
            await self._app(scope, receive, send_guarded)

    def _fault(self, scope: Scope) -> str:
        """Why a request is refused; empty if it is not."""
        from starlette.datastructures import Headers

        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if _hostname(f"http://{host}") not in LOCAL_NAMES:
            return "this server answers on 127.0.0.1 only"
        if origin is not None and origin != f"http://{host}":
            return "the request comes from another site"
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return "the request comes from another site"
        token = scope["path"].removeprefix("/").partition("/")[0].encode()
        if not hmac.compare_digest(token, self._token):
            return "the address has no token, or a wrong one; open the one that the command printed"
        return ""


def _hostname(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _fault(request: Request, error: Exception) -> Response:
    path = request.url.path
    is_image = "/scan/" in path or "/glyph/" in path
    return _json({"error": str(error)}, 404 if is_image else 400 if isinstance(error, RequestError) else 500)


def _json(document: Json, status: int = 200) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse(document, status)


async def _in_thread(work: Callable[[], Json]) -> Response:
    from starlette.concurrency import run_in_threadpool

    return _json(await run_in_threadpool(work))


async def _body(request: Request) -> Json:
    """The JSON object that a request holds.

    Raises:
        RequestError: it holds none, or too much, or ends early.
    """
    from starlette.requests import ClientDisconnect

    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise RequestError("send JSON")
    content = b""
    try:
        async for piece in request.stream():
            content += piece
            if len(content) > MAX_BODY_BYTES:
                raise RequestError(f"send at most {MAX_BODY_BYTES:,} bytes")
    except ClientDisconnect:
        raise RequestError("the request ends early") from None
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise RequestError("send a JSON object")
    return fields


def _text(fields: Json, name: str) -> str:
    text = fields.get(name, "")
    if not isinstance(text, str) or len(text) > MAX_TEXT or not is_line(text):
        raise RequestError(f"{name} is a line of at most {MAX_TEXT} characters")
    return text


def _since(fields: Json) -> int:
    since = fields.get("since", 0)
    if not isinstance(since, int):
        raise RequestError("since is a number")
    return since


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise RequestError(f"{name} is a number")
    return int(text)
