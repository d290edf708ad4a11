"""Where the console finds the APIs. Nothing else is configured: it has no database, no log and no key."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """Environment of the console's process."""

    intake_url: str = Field(description="Base address of intake's API.")
    routing_url: str = Field(description="Base address of routing's API.")
    supervision_url: str = Field(description="Base address of supervision's API.")
    notify_url: str = Field(description="Base address of notify's API.")
    secure_cookies: bool = Field(
        default=False, description="Behind TLS, where every installation but a developer's own machine is."
    )

    def urls(self) -> dict[str, str]:
        """Service → base address of its API."""
        return {name: getattr(self, f"{name}_url") for name in ("intake", "routing", "supervision", "notify")}
