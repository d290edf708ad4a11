"""Certificates of the embedded servers where they speak TLS: an authority of their own and one for 127.0.0.1."""

from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from libs.service.clock import real_now
from operations.embedded.instance import write_private

LIFE = timedelta(days=365)
SERVER = "xunban-server"


def create(folder: Path) -> None:
    """ca.pem, server.pem and server.key, and both of the latter in one file for Kafka; made once."""
    if (folder / "ca.pem").exists():
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    now = real_now()
    authority, server = (generate_private_key(SECP256R1()) for _ in range(2))
    issuer = _name("xunban-ca")
    ca = _draft(issuer, issuer, authority, now).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    addresses = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")])
    uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    of_server = _draft(_name(SERVER), issuer, server, now).add_extension(addresses, critical=False)
    of_server = of_server.add_extension(uses, critical=False)
    certificate = of_server.sign(authority, SHA256()).public_bytes(Encoding.PEM)
    key = server.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(folder / "server.pem", certificate)
    write_private(folder / "server.key", key)
    write_private(folder / "kafka.pem", key + certificate)
    write_private(folder / "ca.pem", ca.sign(authority, SHA256()).public_bytes(Encoding.PEM))


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _draft(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, now: datetime
) -> x509.CertificateBuilder:
    draft = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    return draft.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + LIFE)
