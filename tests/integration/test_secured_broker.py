"""A broker with TLS and passwords: publisher and worker enter by the settings, and a wrong password is told as such."""

import datetime
import ipaddress
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from consumers.runtime.faults import Faults
from consumers.runtime.loop import Worker
from consumers.runtime.topics import create_topics
from contracts.errors import BrokerUnreachable, SettingsInvalid
from contracts.settings import Settings, load
from contracts.topics import SCORED, TABLE, changelog_of
from deploy.kafka.security import NodeSecurity
from hubbub import EXIT_SOFTWARE
from producers.connecting import connect_admin
from producers.publisher import Publisher
from tests.conftest import StartKafka
from tests.stages.forking import ForkingStage
from tests.streams import (
    event_of,
    eventually,
    keyed_ids,
    publish_events,
    quiet_clients,
    read_committed,
    stopped,
    stream_settings,
    worker_process,
)

PASSWORD = "right, long and secret"
WRONG = "wrong, long and secret"


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Make a self-signed certificate for 127.0.0.1 and its key, in PEM."""
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
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return chain, private


def secured(settings: Settings, bootstrap: str, **kafka: Any) -> Settings:
    """Return the same settings by way of the secured listener."""
    flags = {
        "security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-256", "username": "alice",
        "connect_timeout_s": 8.0, "bootstrap": bootstrap,
    }  # fmt: skip
    parts = {part: getattr(settings, part).model_dump() for part in ("topics", "runtime")}
    return load(flags={"kafka": {**flags, **kafka}, **parts})


@pytest.fixture
def collected() -> Iterator[None]:
    """Collect what kafka-python leaves to the garbage collector, where its warnings are expected."""
    with quiet_clients():
        yield


@pytest.mark.usefixtures("collected")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_right_password_enters_and_a_wrong_one_is_told_without_it(
    start_kafka: StartKafka, tmp_path: Path
) -> None:
    # Given a node with a secured listener, and topics on it.
    chain, key = make_certificate(tmp_path)
    node = start_kafka(security=NodeSecurity(chain, key, {"alice": PASSWORD}))
    plain = stream_settings(node.bootstrap, "fork", partitions=2)
    right = secured(plain, node.secure_bootstrap, password=PASSWORD, ca_file=chain)
    # Then publisher, admin client and worker do their work by it,
    create_topics(right, (*TABLE, changelog_of("fork")))
    publish_events(right, [event_of(f"t{n % 5}", n // 5) for n in range(50)])
    Worker(right, ForkingStage(right), group="fork", faults=Faults(), until_idle_s=1).run()
    assert len(set(keyed_ids(read_committed(plain, SCORED)))) == 50
    # and with a wrong password each says so, names the settings and keeps the password to itself.
    wrong = secured(plain, node.secure_bootstrap, password=WRONG, ca_file=chain)
    publisher = Publisher(wrong.kafka, wrong.runtime, client_id="test")
    attempts: list[Callable[[], object]] = [publisher.start, lambda: connect_admin(wrong.kafka)]
    for attempt in attempts:
        with pytest.raises(
            (SettingsInvalid, BrokerUnreachable), match=r"kafka\.password"
        ) as caught:
            attempt()
        assert "'alice'" in str(caught.value)
        assert WRONG not in str(caught.value)
        assert WRONG not in repr(caught.value.__cause__)
    # A worker says it in its log: where the client is told of the refusal it ends, where it only hears that its time is
    # over it tries again, for the user may yet be created.
    with worker_process(wrong, "fork", "--group", "fork", log=tmp_path / "worker.log") as process:
        assert eventually(lambda: "kafka.password" in (tmp_path / "worker.log").read_text())
        assert stopped(process)[0] in {0, EXIT_SOFTWARE}
    assert WRONG not in (tmp_path / "worker.log").read_text()


@pytest.mark.usefixtures("collected")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_certificate_that_is_not_trusted_is_told_as_such(
    start_kafka: StartKafka, tmp_path: Path
) -> None:
    chain, key = make_certificate(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    node = start_kafka(security=NodeSecurity(chain, key, {"alice": PASSWORD}))
    settings = load(
        flags={
            "kafka": {
                "bootstrap": node.secure_bootstrap, "security_protocol": "SASL_SSL", "username": "alice",
                "password": PASSWORD, "ca_file": make_certificate(other)[0], "connect_timeout_s": 3.0,
            }
        }
    )  # fmt: skip
    with pytest.raises(BrokerUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
        Publisher(settings.kafka, settings.runtime, client_id="test").start()
