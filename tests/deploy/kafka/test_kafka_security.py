"""A node with TLS and passwords: clients with the right ones come in, all others stay out."""

import datetime
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kafka import KafkaAdminClient
from kafka.errors import KafkaTimeoutError, SaslAuthenticationFailedError

from deploy.kafka.security import Mechanism, NodeSecurity
from tests.conftest import StartKafka

# Quotes, a backslash and Chinese: each must survive Java's two layers of quoting.
PASSWORD = 'a "quoted" \\ 密码'


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Make a self-signed certificate for 127.0.0.1 and return it with its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hubbub test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    chain, private = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return chain, private


def describe(bootstrap: str, chain: Path, mechanism: Mechanism, password: str) -> int:
    """Ask the cluster for its nodes by SASL_SSL and return how many there are."""
    with KafkaAdminClient(
        bootstrap_servers=bootstrap,
        bootstrap_timeout_ms=4_000,
        security_protocol="SASL_SSL",
        ssl_context=ssl.create_default_context(cafile=str(chain)),
        sasl_mechanism=mechanism,
        sasl_plain_username="alice",
        sasl_plain_password=password,
    ) as admin:
        return len(admin.describe_cluster()["brokers"])


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "PLAIN"])
def test_the_right_password_enters_by_tls_and_a_wrong_one_is_refused(
    mechanism: Mechanism, certificate: tuple[Path, Path], start_kafka: StartKafka
) -> None:
    # Given a node with a secured listener.
    chain, key = certificate
    security = NodeSecurity(chain, key, {"alice": PASSWORD}, mechanism=mechanism)
    node = start_kafka(security=security)
    address = node.secure_bootstrap
    # Then the right password enters, and a wrong one does not.
    assert describe(address, chain, mechanism, PASSWORD) == 1
    assert "Failed authentication" not in node.folder.broker_log.read_text(encoding="utf-8")
    # kafka-python tries again until its time is over, so the reason is read where it is certain.
    with pytest.raises((SaslAuthenticationFailedError, KafkaTimeoutError)):
        describe(address, chain, mechanism, "wrong")
    assert "Failed authentication" in node.folder.broker_log.read_text(encoding="utf-8")
    # And its secrets are in files that only the owner reads, and not in what is printed.
    assert PASSWORD not in repr(node)
    for path in (node.folder.keystore, node.folder.properties):
        assert path.stat().st_mode & 0o077 == 0
