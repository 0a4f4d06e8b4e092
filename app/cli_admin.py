"""`workside admin`: how an operator gets into the administration pages, and who is in."""

from __future__ import annotations

from typing import Annotated

import typer

from app.terminal import AsJson, opened, read_settings, show

admin_app = typer.Typer(no_args_is_help=True, help="The operator's pages at /admin: who may open them.")


@admin_app.command("sign-in")
def admin_sign_in(as_json: AsJson = False) -> None:
    """Print a link that signs one browser in to /admin for 8 hours. It works once, for ten minutes."""
    settings = read_settings()
    from app.rooms.admin.access import LINK_LIFE, make_sign_in_link

    with opened(settings) as services:
        link = make_sign_in_link(services)
    minutes = int(LINK_LIFE.total_seconds() // 60)
    show(as_json, {"link": link, "minutes": minutes}, f"{link}\nIt works once, for {minutes} minutes.")


@admin_app.command("sessions")
def admin_sessions(
    revoke: Annotated[
        bool, typer.Option("--revoke", help="Sign every browser out, and spend links that were not used yet.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the browsers that are signed in to /admin."""
    settings = read_settings()
    from app.rooms.admin.access import end_all_sessions, running_sessions

    with opened(settings) as services:
        ended = end_all_sessions(services) if revoke else 0
        rows = [
            {
                "id": row.id,
                "browser": row.browser,
                "signed_in": row.created_at.isoformat(timespec="seconds"),
                "last_seen": row.seen_at.isoformat(timespec="seconds"),
                "until": row.expires_at.isoformat(timespec="seconds"),
            }
            for row in running_sessions(services.database)
        ]
    lines = [f"{row['id']}  since {row['signed_in']}  {row['browser']}" for row in rows]
    if revoke:
        lines = [f"{ended} signed out."]
    show(as_json, {"signed_out": ended, "sessions": rows}, "\n".join(lines) or "No browser is signed in.")
