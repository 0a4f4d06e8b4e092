"""Pages: one Jinja2 environment, one way to render, and the same error as a page or as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from app.kit.clock import now
from app.kit.errors import WorksideError
from app.kit.i18n import Translator, choose_locale, day_in
from app.kit.markdown import render_markdown
from app.kit.room import NavigationItem

TEMPLATES = Path(__file__).parents[2] / "templates"
STATIC = Path(__file__).parents[1] / "static"


@cache
def environment() -> Environment:
    """The templates' environment: everything is escaped, an unknown name is an error and not an empty string."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["markdown"] = render_markdown
    env.filters["with_code"] = with_code
    return env


def with_code(text: str) -> Markup:
    """A text of ours, escaped, with what stands in `backticks` as code: catalogues hold no HTML."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped here


def translator_of(request: Request) -> Translator:
    """The translator for this request: the visit's locale where there is a visit, else the browser's."""
    locale = getattr(request.state, "locale", None)
    return Translator(choose_locale(locale, request.headers.get("accept-language")))


def render_fragment(request: Request, template: str, **context: Any) -> str:
    """The HTML of a template as text, for streams and for `render_page`.

    Templates may say an ISO day in the reader's language (`say_day`) and ask whether it has come (`is_past`).
    """
    translate = translator_of(request)
    return (
        environment()
        .get_template(template)
        .render(
            _=translate,
            plural=translate.plural,
            say_day=lambda day: day_in(translate.locale, date.fromisoformat(day)),
            is_past=lambda day: date.fromisoformat(day) <= now().date(),
            locale=translate.locale,
            request=request,
            visitor=getattr(request.state, "visitor", None),
            navigation=_menu(request),
            **context,
        )
    )


def _menu(request: Request) -> Iterator[NavigationItem]:
    """The menu's entries that have something behind them here. Read only by a template that shows a menu."""
    visitor = getattr(request.state, "visitor", None)
    database = getattr(request.app.state, "database", None)
    for item in getattr(request.app.state, "navigation", ()):
        if item.is_shown is None or visitor is None or database is None:
            yield item
            continue
        with database.read() as session:
            is_shown = item.is_shown(request.app.state.services, session, visitor)
        if is_shown:
            yield item


def render_page(
    request: Request, template: str, status: int = 200, headers: dict[str, str] | None = None, **context: Any
) -> HTMLResponse:
    """A page of `templates/` as a response."""
    return HTMLResponse(render_fragment(request, template, **context), status, headers)


def wants_json(request: Request) -> bool:
    """Whether the client asked for JSON rather than for a page."""
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def render_error(request: Request, error: WorksideError) -> Response:
    """The error as the client wants it: JSON `{"error", "title", "advice", "reference"}` or a page; no input in it."""
    translate = translator_of(request)
    reference = getattr(request.state, "reference", "")
    title, advice = translate(error.title), translate(error.advice, **error.values)
    if wants_json(request):
        body = {"error": error.code, "title": title, "advice": advice, "reference": reference}
        return JSONResponse(body, error.status)
    return render_page(
        request,
        "error.html",
        status=error.status,
        title=title,
        advice=advice,
        reference=reference,
        code=error.code,
    )
