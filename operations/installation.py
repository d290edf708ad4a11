"""What every installation has: this folder, its services, and the word for what cannot start."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCAL = ROOT / ".local"
SERVICES = ("intake", "routing", "supervision", "notify")
CONSOLE = "console"
"""The page for the eyes: no database, no worker, no key; started only where it is asked for."""
EVERYTHING = (*SERVICES, CONSOLE)


class CannotStart(Exception):
    """The stack cannot start here; the message says why in Chinese and English and what to do."""
