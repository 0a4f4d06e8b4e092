"""`python -m demo`: run the demo LMS on this machine."""

from __future__ import annotations

import argparse
import errno
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path

import uvicorn

from demo.web import DemoSettings, create_app, registrations


def main(arguments: list[str] | None = None) -> int:
    """Run until interrupted. Exit code 2: the port is taken, or an argument is wrong."""
    tool_port = os.environ.get("WORKSIDE_PORT", "8000")
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description="A small learning platform to try Workside in: two organisations, four people each, a gradebook"
        " beside the tool's frame, and switches for bad days.",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=os.environ.get("DEMO_LMS_PORT", "8100"),
        help="default: DEMO_LMS_PORT, or 8100",
    )
    parser.add_argument(
        "--tool",
        default=os.environ.get("WORKSIDE_BASE_URL", f"http://localhost:{tool_port}"),
        metavar="URL",
        help="where Workside is, as browsers reach it; default: WORKSIDE_BASE_URL, or http://localhost:8000",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("var/demo-lms"),
        metavar="DIR",
        help="gradebook and keys; default var/demo-lms",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; default 127.0.0.1, this machine only"
    )
    parser.add_argument(
        "--base-url", metavar="URL", help="the LMS as browsers reach it; default http://127.0.0.1:PORT"
    )
    parser.add_argument(
        "--service-url", metavar="URL", help="the LMS as the tool's server reaches it; default BASE-URL"
    )
    parser.add_argument(
        "--tool-service-url", metavar="URL", help="Workside as this server reaches it; default TOOL"
    )
    parser.add_argument(
        "--print-registrations",
        action="store_true",
        help="print what the tool must know of the LMS as JSON, and end",
    )
    parser.add_argument(
        "--with-parent",
        action="store_true",
        help="end when standard input ends, as it does when the program that started this one is gone",
    )
    options = parser.parse_args(arguments)
    base_url = options.base_url or f"http://127.0.0.1:{options.port}"

    if options.print_registrations:
        print(json.dumps(registrations(base_url, options.service_url), indent=2))
        return 0

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
        listener.listen(64)
    except OverflowError:
        print(f"Demo LMS: {options.port} is not a port; it must be between 1 and 65535.", file=sys.stderr)
        return 2
    except OSError as problem:
        if problem.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        why = (
            "is taken by another program"
            if problem.errno == errno.EADDRINUSE
            else "may not be used by this account"
        )
        print(
            f"Demo LMS: port {options.port} {why}. Choose another: DEMO_LMS_PORT={options.port + 1},"
            f" or --port {options.port + 1}.",
            file=sys.stderr,
        )
        return 2

    if options.with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    app = create_app(
        DemoSettings(options.data, base_url, options.tool, options.service_url, options.tool_service_url)
    )
    print(f"Demo LMS: {base_url}  (Ctrl-C stops it)", flush=True)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2)
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def _end_with_parent() -> None:
    """Waits for the end of standard input, then stops the server as Ctrl-C would."""
    # The descriptor, not sys.stdin: a thread in the middle of a buffered read would spoil the interpreter's end.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
