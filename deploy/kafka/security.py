"""Add one listener with TLS and passwords (SASL_SSL) to the node, to try a client's own security settings.

In: a certificate, its key, users and passwords. Out: broker properties, a PEM key store, SCRAM users in a live node.
The plain listener stays beside it: this proves a client's settings and does not protect a machine's data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from kafka import KafkaAdminClient
from kafka.admin import UserScramCredentialUpsertion

from contracts.errors import NodeFailed

Mechanism = Literal["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"]

MODULES: Mapping[Mechanism, str] = {
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
}


@dataclass(frozen=True)
class NodeSecurity:
    """Describe the secured listener: a PEM chain, its PKCS#8 key without a password, users; port 0 picks a free one."""

    certificate: Path
    key: Path
    users: Mapping[str, str] = field(repr=False)
    mechanism: Mechanism = "SCRAM-SHA-256"
    port: int = 0


def write_keystore(security: NodeSecurity, path: Path) -> None:
    """Join key and certificate chain in one PEM file that only the owner can read, as Kafka wants them."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(security.key.read_bytes() + b"\n" + security.certificate.read_bytes())


def security_properties(security: NodeSecurity, keystore: Path) -> dict[str, str]:
    """Give the broker properties of the secured listener."""
    scope = f"listener.name.secure.{security.mechanism.lower()}"
    users = security.users if security.mechanism == "PLAIN" else {}
    return {
        "sasl.enabled.mechanisms": security.mechanism,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keystore),
        f"{scope}.sasl.jaas.config": _jaas(MODULES[security.mechanism], users),
    }


def create_users(security: NodeSecurity, bootstrap: str) -> None:
    """Create or renew SCRAM users by way of the plain listener; PLAIN's are in the properties. Raises NodeFailed."""
    if security.mechanism == "PLAIN":
        return
    wanted = [
        UserScramCredentialUpsertion(name, security.mechanism, password)
        for name, password in security.users.items()
    ]
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        answers: dict[str, str | None] = admin.alter_user_scram_credentials(wanted)
    refused = {name: reason for name, reason in answers.items() if reason is not None}
    if refused:
        raise NodeFailed(
            f"the broker refused to create these users, expected all of them: {refused}"
        )


def _jaas(module: str, users: Mapping[str, str]) -> str:
    options = [f'user_{name}="{_quoted(password)}"' for name, password in users.items()]
    return " ".join([module, "required", *options]) + ";"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
