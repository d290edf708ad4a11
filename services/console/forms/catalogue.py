"""Every act that the page offers; who may do what is the services' to say. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from libs.directory.rules.naming import Bilingual
from services.console.forms import intake, routing, supervision
from services.console.forms.act import Act

RESEND = Act("resend_message", "notify", Bilingual("重新发送", "Send again"))
"""Of one message of a case, beside which it stands."""
ACTS: tuple[Act, ...] = (*intake.ACTS, *routing.ACTS, *supervision.ACTS, RESEND)
IN_ANY_STATE = frozenset({"repeat-contacts", "tell-apart", "erase"})
"""Acts that wait for nothing: what the case waits for stands before them, and the first one open."""
BY_NAME: Mapping[str, Act] = {act.name: act for act in ACTS}
