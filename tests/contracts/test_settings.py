"""Settings come from flags, environment, file and defaults, in this order, and a mistake names its remedy."""

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from contracts.errors import SettingsInvalid
from contracts.settings import Settings, known_keys, load, shown, variable_of, written

HUSH = "h-u-s-h"


@pytest.fixture(autouse=True)
def _own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Start each test with no variable of ours, in an empty folder."""
    for name in [name for name in os.environ if name.upper().startswith("HUBBUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def toml(text: str, name: str = "hubbub.toml") -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def mistake(**arguments: Any) -> str:
    with pytest.raises(SettingsInvalid) as caught:
        load(**arguments)
    return str(caught.value)


def test_a_flag_beats_the_environment_that_a_file_that_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load().topics.partitions == 6
    toml("[topics]\npartitions = 7\nreplication = 3\n[http]\nport = 1\n")
    assert load().topics.partitions == 7
    monkeypatch.setenv("HUBBUB_TOPICS_PARTITIONS", "8")
    monkeypatch.setenv("HUBBUB_HTTP_PORT", "2")
    assert load().topics.partitions == 8
    settings = load(flags={"topics": {"partitions": 9}})
    assert (settings.topics.partitions, settings.topics.replication) == (9, 3)
    assert (settings.http.port, settings.metrics.port) == (2, 9464)


def test_a_flag_that_is_not_given_and_an_empty_variable_change_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HUBBUB_KAFKA_PASSWORD", "")
    monkeypatch.setenv("HUBBUB_SCORE_LANES", "")
    assert load(flags={"http": {"port": None}}) == load()
    assert load().kafka.password is None
    assert load().score.lanes == ("text", "media")


def test_the_file_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    toml("[http]\nport = 1\n")
    monkeypatch.setenv("HUBBUB_SETTINGS", str(toml("[http]\nport = 2\n", "two.toml")))
    assert load().http.port == 2
    assert load(file=toml("[http]\nport = 3\n", "three.toml")).http.port == 3


def test_a_file_with_a_byte_order_mark_is_read() -> None:
    Path("hubbub.toml").write_text("[http]\nport = 1\n", encoding="utf-8-sig")
    assert load().http.port == 1


def test_two_loads_of_the_same_are_equal() -> None:
    assert load() == load() == Settings()
    assert type(load()) is Settings


@pytest.mark.parametrize("key", known_keys())
def test_every_key_can_be_given_by_its_variable(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    as_shown = shown(load())
    monkeypatch.setenv(variable_of(key), as_shown[key] or "0")
    part, _, name = key.partition(".")
    if as_shown[key]:
        assert load() == Settings()
    else:
        assert str(getattr(getattr(load(), part), name)) in {"0", "('0',)", "**********"}


def test_lanes_are_given_as_a_list_or_as_words(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(flags={"score": {"lanes": ["media"]}}).score.lanes == ("media",)
    monkeypatch.setenv("HUBBUB_SCORE_LANES", " media , text ")
    assert load().score.lanes == ("media", "text")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HUBBUB_KAFKA_BOOTSTAP", "x", "HUBBUB_KAFKA_BOOTSTAP is no setting; near: HUBBUB_KAFKA_BOOTSTRAP,"),
        ("hubbub_kafka_bootstap", "x", "hubbub_kafka_bootstap is no setting; near: HUBBUB_KAFKA_BOOTSTRAP,"),
        ("HUBBUB_XYZ", "x", "HUBBUB_XYZ is no setting; `hubbub settings show` lists them all"),
        ("HUBBUB_KAFKA", "{", "HUBBUB_KAFKA is no setting; near: "),
        ("HUBBUB_HTP_PORT", "1", "HUBBUB_HTP_PORT is no setting; near: HUBBUB_HTTP_PORT,"),
        ("HUBBUB_RUNTIME_TRIES", "few", "runtime.tries = 'few': Input should be a valid integer"),
        ("HUBBUB_RUNTIME_TRIES", "0", "runtime.tries = '0': Input should be greater than or equal to 1"),
        ("HUBBUB_RUNTIME_STALL_S", "inf", "runtime.stall_s = 'inf': Input should be a finite number"),
        ("HUBBUB_RUNTIME_STALL_S", "nan", "runtime.stall_s = 'nan': Input should be a finite number"),
        ("HUBBUB_SCORE_LANES", "text,txt", "score.lanes = 'txt': Input should be 'text' or 'media'"),
        ("HUBBUB_SCORE_LANES", ",", "score.lanes = ',': Value should have at least 1 item"),
        ("HUBBUB_SCORE_GROUP", "a b", "score.group = 'a b': String should match"),
        ("HUBBUB_TOPICS_PREFIX", "a/", "topics.prefix = 'a/': String should match"),
        ("HUBBUB_KAFKA_BOOTSTRAP", "a:1,,b:2", "kafka.bootstrap = 'a:1,,b:2': String should match"),
        ("HUBBUB_KAFKA_SECURITY_PROTOCOL", "SASL_SSL", "kafka: SASL_SSL needs kafka.username and kafka.password"),
        ("HUBBUB_RUNTIME_HEARTBEAT_MS", "10000", "runtime: heartbeat_ms 10000 must be below session_timeout_ms"),
        ("HUBBUB_ALERT_STEP_S", "25", "alert.step_s 25 must be a multiple of runtime.pane_s 10 and"),
        ("HUBBUB_RUNTIME_TRANSACTION_MS", "10000", "transaction_ms 10000 must be below transaction_timeout_ms"),
        ("HUBBUB_SETTINGS", "no.toml", "settings file no.toml: No such file or directory"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_variable_names_itself_and_the_remedy(
    name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert words in mistake()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[kafka]\nbootstap = 'x'", "kafka.bootstap is no setting; near: kafka.bootstrap"),
        ("[kafak]\nbootstrap = 'x'", "kafak is no setting; near: kafka"),
        ("port = 1", "port is no setting; near: http.port, metrics.port"),
        ("kafka = 1", "kafka: Input should be a valid dictionary"),
        ("[kafka", "settings file hubbub.toml is not TOML: "),
        ("[http]\nport = 1\nport = 2", "settings file hubbub.toml is not TOML: "),
        ("[runtime]\ndeadline_s = inf", "runtime.deadline_s = 'inf': Input should be a finite number"),
        ("[http]\nport = 1.5", "http.port = '1.5': Input should be a valid integer"),
        ("[http]\nhost = ''", "http.host = '': String should have at least 1 character"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_names_itself_and_the_remedy(text: str, words: str) -> None:
    toml(text)
    message = mistake()
    assert words in message
    assert "hubbub.toml" in message


def test_all_mistakes_are_told_at_once() -> None:
    toml("[http]\nport = -1\n[topics]\npartitions = 0\n")
    assert "http.port = '-1'" in mistake()
    assert "topics.partitions = '0'" in mistake()


def test_a_file_that_is_no_text_or_no_file_is_a_mistake() -> None:
    Path("hubbub.toml").write_bytes(b"\xff\xfe")
    assert "settings file hubbub.toml is not TOML" in mistake()
    Path("folder.toml").mkdir()
    assert "settings file folder.toml: Is a directory" in mistake(file=Path("folder.toml"))


def test_what_kubernetes_says_of_services_is_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_LIVE_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("HUBBUB_LIVE_SERVICE_PORT_HTTP", "8080")
    monkeypatch.setenv("HUBBUB_LIVE_PORT", "tcp://10.0.0.1:8080")
    monkeypatch.setenv("HUBBUB_LIVE_PORT_8080_TCP_ADDR", "10.0.0.1")
    assert load() == Settings()


def test_settings_do_not_change() -> None:
    settings = load()
    with pytest.raises(ValidationError, match="frozen"):
        settings.http = load().http  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        settings.http.port = 1  # type: ignore[misc]


def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_KAFKA_PASSWORD", HUSH)
    settings = load(flags={"http": {"api_key": HUSH}})
    for text in (str(settings), repr(settings), str(shown(settings)), settings.model_dump_json()):
        assert HUSH not in text
    assert shown(settings)["kafka.password"] == shown(settings)["http.api_key"] == "**********"
    assert settings.kafka.password is not None
    assert settings.kafka.password.get_secret_value() == HUSH


@pytest.mark.parametrize(
    "text", [f"[kafka]\npassword = ['{HUSH}']", f"kafka = '{HUSH}'", f"[http]\nkey = '{HUSH}'"]
)
def test_a_mistake_in_a_secret_does_not_show_it(text: str) -> None:
    toml(text)
    with pytest.raises(SettingsInvalid) as caught:
        load()
    assert HUSH not in str(caught.value)
    assert HUSH not in str(caught.value.__cause__)


def test_an_empty_secret_in_the_file_is_a_mistake() -> None:
    toml("[http]\napi_key = ''\n")
    assert "http.api_key: Value should have at least 1 item" in mistake()


def test_the_client_is_told_what_the_protocol_needs() -> None:
    plain = load(flags={"kafka": {"bootstrap": "a:1, b:2"}}).kafka.client_config()
    assert plain == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "PLAINTEXT",
        "request_timeout_ms": 15_000,
    }
    flags = {
        "security_protocol": "SASL_SSL",
        "username": "u",
        "password": HUSH,
        "ca_file": "ca.pem",
    }
    secured = load(flags={"kafka": flags}).kafka.client_config()
    assert secured.items() >= {
        "ssl_check_hostname": True,
        "ssl_cafile": "ca.pem",
        "ssl_certfile": None,
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "u",
        "sasl_plain_password": HUSH,
    }.items()  # fmt: skip
    ssl = load(flags={"kafka": {"security_protocol": "SSL"}}).kafka.client_config()
    assert "sasl_mechanism" not in ssl


def test_a_path_in_the_home_folder_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = load(flags={"kafka": {"ca_file": "~/ca.pem"}})
    assert settings.kafka.ca_file == tmp_path / "ca.pem"
    assert settings.models.home == tmp_path / ".local/share/hubbub/models"


def test_the_prefix_of_topics_makes_their_names() -> None:
    assert load(flags={"topics": {"prefix": "a."}}).topics.names.prefix == "a."


def test_every_key_has_a_meaning_and_a_default_that_can_be_written() -> None:
    for key, (default, meaning) in known_keys().items():
        assert meaning.endswith("."), key
        assert not isinstance(default, BaseModel)
        assert isinstance(written(default), str)
