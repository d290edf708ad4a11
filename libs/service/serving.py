"""The HTTP server of every process: `python -m libs.service.serving services.intake.main:app`. Knows no route."""

from __future__ import annotations

import argparse
import contextlib

from libs.tuned.gc_threshold import raise_gc_threshold
from libs.tuned.uvicorn_server import Server


def main() -> None:
    """`python -m libs.service.serving services.intake.main:app --port 8000`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("app")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--trusted-proxies", default="", help="whose X-Forwarded-For is believed; nobody's if empty")
    raise_gc_threshold()
    with contextlib.suppress(KeyboardInterrupt):
        Server(**vars(parser.parse_args())).run()


if __name__ == "__main__":
    main()
