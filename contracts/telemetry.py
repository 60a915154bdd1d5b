"""Telemetry: every metric of Hubbub, declared once.

In: nothing. Out: prometheus_client metrics named `hubbub_<part>_<what>_<unit>[_total]` with bounded labels, in a
registry of their own, recorded per batch; `DECLARED` lists them for the reference. Imports prometheus_client alone.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()
PARTS = ("stage", "score", "source", "alert", "delivery")
UNITS = (
    "seconds", "records", "events", "mentions", "answers", "tokens", "watches", "partitions", "transactions",
    "retries", "rejoins", "alerts", "silences", "requests",
    "transitions", "ratio", "valence", "texts", "engines", "fallbacks",
)  # fmt: skip
# Each label's values, and what bounds their number: never text, a name from outside, or an id.
LABELS = {
    "stage": "a stage's name",
    "code": "the code of an error, from its tree",
    "policy": "the name of a policy that drops",
    "topic": "a topic of the table",
    "partition": "a partition's number",
    "step": "a named step of a batch",
    "outcome": "one of a few words for how it ended",
    "head": "a head of the model in use",
    "source": "the kind of a source that this install has",
    "status": "an HTTP status code",
    "state": "a state of an alert",
    "kind": "a kind of rule",
    "severity": "a severity of an alert",
    "change": "a step of an alert's life",
    "watch": "tenant/watch, the first `alert.exported_watches` of a worker",
    "emotion": "a label of the head emotion",
    "engine": "an engine of this install",
    "channel": "a channel by which alerts leave, of this install",
}
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_AGES = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


class Declared(NamedTuple):
    """Describe one metric as it is scraped: `name` with the `_total` of a counter."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    meaning: str


DECLARED: list[Declared] = []


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    DECLARED.append(Declared(f"hubbub_{name}_total", "counter", labels, meaning))
    return Counter(f"hubbub_{name}", meaning, labels, registry=REGISTRY)


def _gauge(name: str, meaning: str, *labels: str) -> Gauge:
    DECLARED.append(Declared(f"hubbub_{name}", "gauge", labels, meaning))
    return Gauge(f"hubbub_{name}", meaning, labels, registry=REGISTRY)


def _histogram(name: str, meaning: str, *labels: str, buckets: Sequence[float]) -> Histogram:
    DECLARED.append(Declared(f"hubbub_{name}", "histogram", labels, meaning))
    return Histogram(f"hubbub_{name}", meaning, labels, registry=REGISTRY, buckets=buckets)


RECORDS_IN = _counter("stage_in_records", "Records taken in.", "stage")
RECORDS_RESULT = _counter("stage_result_records", "Records that ended as a result.", "stage")
RECORDS_DEAD = _counter(
    "stage_dead_records", "Records that ended as a dead letter.", "stage", "code"
)
RECORDS_DROPPED = _counter(
    "stage_dropped_records", "Records that a policy dropped.", "stage", "policy"
)
RECORDS_OUT = _counter("stage_out_records", "Records written, by topic.", "stage", "topic")
BALANCE = _gauge(
    "stage_balance_records",
    "In less result, dead and dropped, of the committed ledgers that this worker holds; must be zero.",
    "stage",
)
LAG = _gauge(
    "stage_lag_records", "Offsets between position and end.", "stage", "topic", "partition"
)
BATCH_RECORDS = _histogram(
    "stage_batch_records", "Records of one transaction.", "stage", buckets=_SIZES
)
STEP_SECONDS = _histogram(
    "stage_step_seconds", "Time of one step for one batch.", "stage", "step", buckets=_SECONDS
)
TRANSACTIONS = _counter("stage_ended_transactions", "Transactions by outcome.", "stage", "outcome")
RETRIES = _counter("stage_batch_retries", "Batches tried again.", "stage", "code")
REJOINS = _counter("stage_client_rejoins", "Clients torn down and joined again.", "stage", "code")
PARTITIONS = _gauge("stage_held_partitions", "Partitions that this worker holds.", "stage")
EVENT_AGE = _histogram(
    "score_event_age_seconds", "Time from an event's entry to its scores.", buckets=_AGES
)
TOKENS = _counter("score_read_tokens", "Tokens that the encoder read.")
ENGINE = _gauge("score_used_engines", "1 for the engine that reads texts now.", "engine")
FALLBACKS = _counter(
    "score_engine_fallbacks",
    "Engines given up for the next one, by the error's code.",
    "engine",
    "code",
)
CACHED = _counter(
    "score_cached_texts",
    "Texts by whether the network had to read them: hit, same_batch, miss.",
    "outcome",
)
MENTIONS = _counter("score_matched_mentions", "Matches of an event and a watch.")
ABSTAINED = _counter("score_abstained_answers", "Answers that a head held back.", "head")
WATCHES = _gauge("score_used_watches", "Watches in use.")
ALERTS = _gauge(
    "alert_held_alerts",
    "Alerts that this worker keeps, the resolved ones for an hour.",
    "state",
    "kind",
    "severity",
)
TRANSITIONS = _counter("alert_made_transitions", "Steps of alerts' lives.", "change", "kind")
DETECTION_SECONDS = _histogram(
    "alert_detection_seconds",
    "Time from the end of the window that fired to the alert.",
    buckets=_AGES,
)
WATCH_MENTIONS = _gauge("alert_watch_mentions", "Mentions of the last window.", "watch")
WATCH_NEGATIVE = _gauge(
    "alert_watch_negative_ratio", "Share of negatives in the last window.", "watch"
)
WATCH_EMOTION = _gauge(
    "alert_watch_emotion_ratio", "Share of an emotion in the last window.", "watch", "emotion"
)
WATCH_VALENCE = _gauge(
    "alert_watch_mood_valence", "Mean valence of the last window, -1 to 1.", "watch"
)
SOURCE_EVENTS = _counter(
    "source_offered_events", "Events that a source published or refused.", "source", "outcome"
)
HTTP_SECONDS = _histogram(
    "source_request_seconds", "Time to answer a POST.", "status", buckets=_SECONDS
)
DELIVERED = _counter(
    "delivery_posted_alerts",
    "Alerts that a channel took, as firing or as ended; each sending counts.",
    "channel",
    "outcome",
)
DELIVERY_FAILED = _counter(
    "delivery_failed_requests",
    "Requests to a channel that it did not answer (unreachable) or did not take (refused).",
    "channel",
    "outcome",
)
DELIVERY_ACTIVE = _gauge(
    "delivery_active_alerts", "Alerts that a channel is to know as firing.", "channel"
)
DELIVERY_SILENCES = _counter(
    "delivery_seen_silences",
    "Silences of a channel, each revision once: silence, unsilence, or passed_over for no one of ours.",
    "channel",
    "outcome",
)
