"""Where messages reach a person, a unit or a reporter, by the directory; what is wrong there, and who sees it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from ipaddress import ip_address
from urllib.parse import urlsplit

from libs.directory.facts.view import View
from libs.directory.findings import Finding, refused
from libs.events.contracts.directory import ContactPoint, PersonPublished, UnitPublished
from libs.events.contracts.parts.rulebook import Messages
from libs.events.decider import Actor
from libs.events.errors import NotFound
from libs.events.telephones import NoTelephone, find, read

READERS = ("ADMIN", "AUDITOR", "SUPERVISOR")
"""Who sees every contact point, in force or drafted: who keeps the directory, who audits it, who finds nobody told."""
OF_UNIT = ("DEPT_CLERK", "DEPT_HANDLER", "DEPT_LEADER", "MACHINE")
WORD = r'[^\s\x00-\x1f\x7f-\x9f<>()\[\]\\,;:@".]+'
MAILBOX = re.compile(rf"{WORD}(\.{WORD})*@{WORD}(\.{WORD})*")


def rules_of(view: View) -> Messages:
    """The rulebook's rules of messages; their defaults before the first rulebook."""
    try:
        return view.rulebook.messages
    except NotFound:
        return Messages()


def points_of(recipient: str, view: View) -> tuple[ContactPoint, ...]:
    """The contact points of `person:<id>`, `unit:<id>` or `reporter`, whose address is sealed with the case."""
    rules = rules_of(view)
    kind, _, key = recipient.partition(":")
    if kind == "reporter":
        return tuple(ContactPoint(channel=channel) for channel in rules.reporter)
    known = view.person(key) if kind == "person" else view.unit(key) if kind == "unit" else None
    return (known.contacts if known else ()) or (ContactPoint(channel=rules.without_contact),)


def point_of(recipient: str, channel: str, view: View) -> ContactPoint | None:
    """The recipient's point on one channel; None where he has none any more."""
    return next((point for point in points_of(recipient, view) if point.channel == channel), None)


def sees_contacts(by: Actor, owner: UnitPublished | PersonPublished, view: View) -> bool:
    """Whether the caller is shown where messages reach somebody: a unit its own, a person his own, `READERS` all."""
    if by.role in READERS:
        return True
    if isinstance(owner, UnitPublished):
        return by.unit == owner.id and by.role in OF_UNIT
    return by.role != "MACHINE" and by.person == view.natural(owner.id)


def shown(point: ContactPoint) -> ContactPoint:
    """A point as it is shown: where a webhook goes to, and not the path or the query, which receivers take for a key.

    The digest tells two of them apart, and nothing else.
    """
    if point.channel != "webhook":
        return point
    address = point.address
    try:
        url = urlsplit(address)
        # Without the login.
        url.port  # noqa: B018 - raises for what is none
        origin = f"{url.scheme}://{url.netloc.rpartition('@')[2]}"
    except ValueError:
        origin = ""
    return point.model_copy(update={"address": f"{origin}/…{sha256(address.encode()).hexdigest()[:8]}"})


def is_loopback(host: str | None) -> bool:
    """Whether a host is this machine: what is sent there reaches nobody outside."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _is_nowhere(host: str) -> bool:
    """Whether a host is an address at which no receiver of a unit can stand; where it may stand the deployer says."""
    try:
        found = ip_address(host)
    except ValueError:
        return False
    return found.is_link_local or found.is_multicast or found.is_unspecified or found.is_reserved


def is_email(address: str) -> bool:
    """Whether mail programs take it for one mailbox: words between dots, and nothing that means something to them."""
    return MAILBOX.fullmatch(address) is not None


def mobile_of(written: str | None) -> str | None:
    """To which number a short message goes: the first mobile one, as a gateway takes it; a landline takes none."""
    return next((one.dialled for one in find(written) if one.kind == "MOBILE"), None)


def contact_findings(view: View) -> Iterator[Finding]:
    """Addresses that cannot work, and two points on one channel, of which only one would be used."""
    for person in view.people:
        yield from _findings(f"people.{person.id}.contacts", person.contacts)
    for unit in view.units:
        yield from _findings(f"units.{unit.id}.contacts", unit.contacts)


def _findings(path: str, points: Sequence[ContactPoint]) -> Iterator[Finding]:
    channels = [point.channel for point in points]
    if len(set(channels)) < len(channels):
        yield refused("E-CONTACT", path, "同一渠道只能有一个联系方式", "one point per channel")
    for number, point in enumerate(points):
        if point.channel == "sms":
            yield from _telephone_findings(f"{path}.{number}.address", point.address)
        elif not _is_address(point):
            yield refused("E-CONTACT", path, f"{point.channel} 的地址无效", f"not an address of {point.channel}")


def _telephone_findings(path: str, written: str) -> Iterator[Finding]:
    """Read as every telephone is, and one that takes short messages."""
    try:
        read(written)
    except NoTelephone as why:
        yield refused(why.code, path, why.zh, why.en)
    else:
        if mobile_of(written) is None:
            yield refused("E-CONTACT", path, "短信只能发到手机号码", "a short message goes to a mobile number only")


def _is_address(point: ContactPoint) -> bool:
    match point.channel:
        case "webhook":
            return _is_url(point.address)
        case "email":
            return is_email(point.address)
        case _:
            return not point.address


def _is_url(address: str) -> bool:
    try:
        url = urlsplit(address)
        # Whoever posts there reads these too, and each is refused in its own way.
        host, _ = url.hostname or "", url.port
        host.encode("idna")
    except ValueError:
        return False
    if not host or not address.isprintable() or " " in address or url.username is not None or _is_nowhere(host):
        return False
    return url.scheme == "https" or (url.scheme == "http" and is_loopback(host))
