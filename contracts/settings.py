"""Settings: one frozen tree; a flag beats the environment, that a file, that the default.

In: flags, `HUBBUB_<PART>_<KEY>` variables, a TOML file. Out: `Settings`. A key that nobody knows
is an error that names its nearest neighbours. Imports pydantic-settings and contracts alone.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self, cast, get_args

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from contracts.delivery_settings import AlertmanagerSettings
from contracts.errors import SettingsInvalid
from contracts.hub_models import HubModels, written_hub
from contracts.mistakes import check_variables, explained
from contracts.setting_parts import Part, UserPath, expanded, setting
from contracts.stage_settings import BLOCK_S, AlertSettings, ScoreSettings
from contracts.topics import TopicNames

ENV_PREFIX = "HUBBUB_"
FILE_VARIABLE = "HUBBUB_SETTINGS"
DEFAULT_FILE = Path("hubbub.toml")
# Variables of ours that are not settings: the file's place, and the named stops that chaos tests use.
OTHER_VARIABLES = frozenset({FILE_VARIABLE, "HUBBUB_FAULT_POINTS"})


class KafkaSettings(Part):
    """Say how to reach Kafka."""

    bootstrap: str = setting(
        "127.0.0.1:9092",
        "Broker addresses, host:port, comma-separated.",
        pattern=r"^\s*[^\s,]+?:[0-9]{1,5}(\s*,\s*[^\s,]+?:[0-9]{1,5})*\s*$",
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = setting(
        "PLAINTEXT", "How the connection is protected."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = setting(
        "SCRAM-SHA-256", "How a user proves who they are, with a SASL protocol."
    )
    username: str | None = setting(None, "SASL user name.")
    password: SecretStr | None = setting(None, "SASL password; never logged.", min_length=1)
    ca_file: UserPath | None = setting(None, "PEM file of the authorities to trust.")
    cert_file: UserPath | None = setting(None, "PEM file of this client's certificate.")
    key_file: UserPath | None = setting(None, "PEM file of this client's key.")
    check_hostname: bool = setting(True, "Check that the broker's certificate names its host.")
    request_timeout_ms: int = setting(15_000, "Longest wait for one answer.", ge=1000)
    connect_timeout_s: float = setting(30.0, "How long commands keep trying to connect.", gt=0)

    @model_validator(mode="after")
    def _has_user(self) -> Self:
        if "SASL" in self.security_protocol and (not self.username or not self.password):
            raise ValueError(f"{self.security_protocol} needs kafka.username and kafka.password")
        return self

    def client_config(self) -> dict[str, Any]:
        """Return the connection part of kafka-python's client settings."""
        config: dict[str, Any] = {
            "bootstrap_servers": [address.strip() for address in self.bootstrap.split(",")],
            "security_protocol": self.security_protocol,
            "request_timeout_ms": self.request_timeout_ms,
        }
        if "SSL" in self.security_protocol:
            config |= {
                "ssl_check_hostname": self.check_hostname,
                "ssl_cafile": _text(self.ca_file),
                "ssl_certfile": _text(self.cert_file),
                "ssl_keyfile": _text(self.key_file),
            }
        if "SASL" in self.security_protocol:
            config |= {
                "sasl_mechanism": self.sasl_mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password.get_secret_value() if self.password else None,
            }
        return config


class TopicSettings(Part):
    """Say how topics are named and created."""

    prefix: str = setting(
        "hubbub.", "Stands before every topic's name.", max_length=100, pattern=r"^[A-Za-z0-9._-]*$"
    )
    partitions: int = setting(6, "Partitions of every partitioned topic.", ge=1, le=1000)
    replication: int = setting(1, "Copies of each partition.", ge=1, le=7)

    @property
    def names(self) -> TopicNames:
        """Return the naming rule."""
        return TopicNames(self.prefix)


class RuntimeSettings(Part):
    """Say how stages consume and commit."""

    transaction_records: int = setting(1000, "Most records in one transaction.", ge=1)
    transaction_ms: int = setting(100, "Longest time to fill one transaction.", ge=0)
    portion_ms: int = setting(
        150,
        "While few records wait, no more are taken at once than are worked off in this time.",
        ge=1,
    )
    transaction_bytes: int = setting(8 << 20, "Most input bytes in one transaction.", ge=1024)
    transaction_timeout_ms: int = setting(
        10_000, "After this the broker aborts what a killed worker left open.", ge=1000, le=900_000
    )
    in_flight_bytes: int = setting(32 << 20, "Most bytes sent and not yet acknowledged.", ge=1024)
    session_timeout_ms: int = setting(10_000, "Silence after which a worker is dead.", ge=1000)
    heartbeat_ms: int = setting(1000, "Time between signs of life.", ge=100)
    tries: int = setting(5, "Tries of a batch before its error's disposition decides.", ge=1)
    backoff_ms: int = setting(200, "First wait between tries; it doubles, to 10 s.", ge=1)
    crash_limit: int = setting(
        3, "Crashes at one offset before that record is a dead letter.", ge=1
    )
    deadline_s: float = setting(
        60.0, "A transaction or poll longer than this ends the process.", gt=0
    )
    stall_s: float = setting(
        120.0, "A partition that stands still this long ends the process.", gt=0
    )
    tick_ms: int = setting(1000, "Time between ticks.", ge=100)
    idle_ms: int = setting(5000, "Silence after which an input holds no time back.", ge=100)
    pane_s: int = setting(10, "Length of a pane of event time.", ge=1)
    lateness_s: float = setting(
        5.0, "How late a mention may come and still count in its pane.", ge=0
    )
    repeat_hours: int = setting(24, "For how long the same (source, id) changes nothing.", ge=1)

    @model_validator(mode="after")
    def _fits_in_time(self) -> Self:
        if self.heartbeat_ms >= self.session_timeout_ms:
            raise ValueError(
                f"heartbeat_ms {self.heartbeat_ms} must be below session_timeout_ms"
                f" {self.session_timeout_ms}; a third of it is usual"
            )
        if self.transaction_ms >= self.transaction_timeout_ms:
            raise ValueError(
                f"transaction_ms {self.transaction_ms} must be below transaction_timeout_ms"
                f" {self.transaction_timeout_ms}, or the broker aborts every transaction"
            )
        return self


class ModelSettings(Part):
    """Say where models live."""

    home: UserPath = setting(
        Path("~/.local/share/hubbub/models"),
        "Users' heads, engines and caches.",
        validate_default=True,
    )
    hub: HubModels = setting(
        {}, "Classifiers of the hub as heads: a table [models.hub.NAME] each, see models/README.md."
    )
    download: bool = setting(False, "Fetch a hub model by its name where no cache has it.")
    lexicon: UserPath | None = setting(
        None, "Your own emotion words, TSV or CSV: word, lang, label, weight; added to ours."
    )


class HttpSettings(Part):
    """Say how the HTTP source listens."""

    host: str = setting("127.0.0.1", "Address to listen on.", min_length=1)
    port: int = setting(8080, "Port to listen on; 0 takes a free one.", ge=0, le=65535)
    api_key: SecretStr | None = setting(None, "What callers must send; never logged.", min_length=1)
    body_bytes: int = setting(8 << 20, "Largest request.", ge=1024)
    batch_events: int = setting(10_000, "Most events in one request.", ge=1)


class MetricsSettings(Part):
    """Say where metrics and health are served."""

    host: str = setting("127.0.0.1", "Address of /metrics, /livez and /readyz.", min_length=1)
    port: int = setting(
        9464,
        "First port: a score worker's is this plus its slot, an alert worker's 100 more; 0 takes free ones.",
        ge=0,
        le=65535,
    )


class Settings(BaseSettings):
    """Hold every setting; frozen. Made by `load`."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        env_prefix=ENV_PREFIX,
        env_ignore_empty=True,
        env_nested_delimiter="_",
        env_nested_max_split=1,
    )

    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    topics: TopicSettings = Field(default_factory=TopicSettings)
    runtime: RuntimeSettings = Field(default_factory=RuntimeSettings)
    score: ScoreSettings = Field(default_factory=ScoreSettings)
    alert: AlertSettings = Field(default_factory=AlertSettings)
    alertmanager: AlertmanagerSettings = Field(default_factory=AlertmanagerSettings)
    models: ModelSettings = Field(default_factory=ModelSettings)
    http: HttpSettings = Field(default_factory=HttpSettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)

    @model_validator(mode="after")
    def _is_timed(self) -> Self:
        step_s, pane_s = self.alert.step_s, self.runtime.pane_s
        if step_s % pane_s or BLOCK_S % step_s:
            raise ValueError(
                f"alert.step_s {step_s} must be a multiple of runtime.pane_s {pane_s} and divide {BLOCK_S}"
            )
        return self


def load(*, file: Path | None = None, flags: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings from flags, environment, file and defaults.

    `flags` is a nested mapping {part: {key: value}}; a value of None is a flag not given, and so is an empty variable.
    `file` defaults to $HUBBUB_SETTINGS, then to ./hubbub.toml where that exists. Raises SettingsInvalid, naming the
    key and its nearest neighbours.
    """
    path, content = _file_content(file)
    check_variables(os.environ, prefix=ENV_PREFIX, known=_known_variables())

    class Loaded(Settings):
        @classmethod
        def settings_customise_sources(  # noqa: PLR0917 - the signature is pydantic-settings' own
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, content)

    try:
        loaded = Loaded(**_given(flags or {}))
    except ValidationError as error:
        origin = f"flags, environment or {path}" if path else "flags or environment"
        words = explained(error, known=known_keys(), secret=_secret_keys())
        raise SettingsInvalid(f"{words} (from {origin})") from error
    # Two loads of the same values are equal only as instances of one class.
    return Settings.model_construct(**{part: getattr(loaded, part) for part in _parts()})


def known_keys() -> dict[str, tuple[Any, str]]:
    """Return every key `part.key` with its default and description, in order."""
    return {
        f"{part}.{key}": (info.default, info.description or "")
        for part, model in _parts().items()
        for key, info in model.model_fields.items()
    }


def variable_of(key: str) -> str:
    """Return the environment variable of a key.

    >>> variable_of("kafka.bootstrap")
    'HUBBUB_KAFKA_BOOTSTRAP'
    """
    return ENV_PREFIX + key.replace(".", "_").upper()


def shown(settings: Settings) -> dict[str, str]:
    """Return every key with its value as it would be written, secrets starred, none as empty."""
    return {key: written(_value_at(settings, key)) for key in known_keys()}


def written(value: Any) -> str:
    """Return a value of a setting as the environment takes it; a secret as stars.

    >>> written(("text", "media")), written(True), written(None), written(SecretStr("word"))
    ('text,media', 'true', '', '**********')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return written_hub(value)
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _file_content(file: Path | None) -> tuple[Path | None, dict[str, Any]]:
    named = file or (Path(os.environ[FILE_VARIABLE]) if os.environ.get(FILE_VARIABLE) else None)
    if named is None and not DEFAULT_FILE.exists():
        return None, {}
    path = expanded(named or DEFAULT_FILE)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsInvalid(f"settings file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"settings file {path} is not TOML: {error}") from error
    for part in Settings.model_fields:
        if not isinstance(content.get(part, {}), dict):
            raise SettingsInvalid(f"{part}: Input should be a valid dictionary, [{part}] in {path}")
    return path, content


def _given(flags: Mapping[str, Any]) -> dict[str, Any]:
    return {
        part: {key: value for key, value in keys.items() if value is not None}
        for part, keys in flags.items()
    }


def _parts() -> dict[str, type[Part]]:
    return {
        part: cast("type[Part]", info.annotation) for part, info in Settings.model_fields.items()
    }


def _known_variables() -> frozenset[str]:
    return OTHER_VARIABLES | {variable_of(key) for key in known_keys()}


def _secret_keys() -> frozenset[str]:
    return frozenset(
        f"{part}.{key}"
        for part, model in _parts().items()
        for key, info in model.model_fields.items()
        if SecretStr in get_args(info.annotation)
    )


def _value_at(settings: Settings, key: str) -> Any:
    part, _, name = key.partition(".")
    return getattr(getattr(settings, part), name)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
