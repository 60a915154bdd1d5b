"""The HTTP application: POST /v1/events, /livez, /readyz, /metrics.

In: requests. Out: answers in JSON; 202 once Kafka has acknowledged every event of the request. All or nothing: one
bad item and none is published, so that a caller mends the request and sends it again as it is. Events that Kafka
took before it failed are sent twice then, which changes nothing: (source, id) names an event.
Imports Litestar, contracts and the pieces beside it.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
from litestar import Litestar, Request, Response, get, post
from litestar.datastructures import State
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from contracts.errors import HubbubError, RecordInvalid, RecordTooLarge, RecordUndecodable
from contracts.settings import HttpSettings
from contracts.telemetry import HTTP_SECONDS, REGISTRY, SOURCE_EVENTS
from producers.entry import Entry, OutgoingRecord
from producers.sources.http.bodies import (
    Body,
    BodyReader,
    Refusal,
    TooManyEvents,
    WrongContentType,
    content_type,
)
from producers.sources.http.committing import GroupCommitter
from producers.sources.http.guarding import ByteBudget, Keyring

READ_TIMEOUT_S = 30.0
RETRY_AFTER = {"retry-after": "1"}
LISTED = 100  # refusals that an answer names; it counts all of them
THREAD_FROM_BYTES = (
    64 * 1024
)  # a body from this size on is read in a thread, so that others need not wait
AnyRequest = Request[object, object, State]


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Answer what went wrong: a stable code, words, and the items concerned, a hundred at most of `refused`."""

    code: str
    message: str
    refused: int = 0
    items: list[Refusal] = []


class Accepted(msgspec.Struct, frozen=True):
    """Answer which events Kafka has acknowledged, in the order of the request."""

    accepted: int
    ids: list[str]


class Refused(Exception):
    """Carry an answer other than 202."""

    def __init__(
        self, status: int, problem: Problem, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(problem.message)
        self.status = status
        self.problem = problem
        self.headers = dict(headers or {})


class Tally:
    """Count what became of the events that came in."""

    def __init__(self) -> None:
        self.published = 0
        self.bad = 0

    def count(self, outcome: Literal["published", "bad"], number: int) -> None:
        """Count `number` more events, here and in the metrics."""
        setattr(self, outcome, getattr(self, outcome) + number)
        SOURCE_EVENTS.labels(source="http", outcome=outcome).inc(number)


@dataclass(frozen=True, kw_only=True)
class EventDoor:
    """Hold what a POST needs; `answer_timeout_s` is how long a request waits for Kafka."""

    http: HttpSettings
    reader: BodyReader
    entry: Entry
    committer: GroupCommitter
    keyring: Keyring
    budget: ByteBudget
    tally: Tally
    answer_timeout_s: float

    async def enter(self, request: AnyRequest) -> Accepted:
        """Take one request from its first byte to Kafka's acknowledgement; raises Refused."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self._admit(headers)
        size = self._expected_bytes(headers)
        if not self.budget.take(size):
            raise _refused(
                429, "busy", message="too much is waiting for Kafka; try again", headers=RETRY_AFTER
            )
        try:
            return await self._publish(await self._content(request), headers)
        finally:
            self.budget.give_back(size)

    def _admit(self, headers: Mapping[str, str]) -> None:
        if self.keyring.admits(headers):
            return
        if self.keyring.has_key:
            words, challenge = "expected X-API-Key or Authorization: Bearer", "Bearer"
            raise _refused(
                401, "unauthorized", message=words, headers={"www-authenticate": challenge}
            )
        words = f"host {headers.get('host')!r}; without an api_key only local names are served"
        raise _refused(403, "forbidden", message=words)

    def _expected_bytes(self, headers: Mapping[str, str]) -> int:
        try:
            content_type(headers)
        except WrongContentType as error:
            raise _refused(415, "content_type", message=str(error)) from error
        limit = self.http.body_bytes
        length = headers.get("content-length", "")
        size = int(length) if length.isdecimal() else limit
        if size > limit:
            raise _refused(413, RecordTooLarge.code, message=f"{size} bytes; the limit is {limit}")
        return size

    async def _content(self, request: AnyRequest) -> bytes:
        parts, size = [], 0
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                async for part in request.stream():
                    parts.append(part)
                    size += len(part)
                    if size > self.http.body_bytes:
                        limit = self.http.body_bytes
                        raise _refused(413, RecordTooLarge.code, message=f"more than {limit} bytes")
        except TimeoutError as error:
            words = f"the body did not come within {READ_TIMEOUT_S:g} s"
            raise _refused(408, "slow", message=words) from error
        return b"".join(parts)

    async def _publish(self, content: bytes, headers: Mapping[str, str]) -> Accepted:
        if len(content) < THREAD_FROM_BYTES:
            ids, records = self._records(content, headers)
        else:
            ids, records = await asyncio.to_thread(self._records, content, headers)
        if records:
            await self._acknowledged(records)
        self.tally.count("published", len(ids))
        return Accepted(len(ids), ids)

    def _records(
        self, content: bytes, headers: Mapping[str, str]
    ) -> tuple[list[str], list[OutgoingRecord]]:
        try:
            body = self.reader.read(content, headers)
            records = [self.entry.record(event) for event in body.events]
        except TooManyEvents as error:
            raise _refused(413, "too_many_events", message=str(error)) from error
        except RecordTooLarge as error:
            raise _refused(413, error.code, message=str(error)) from error
        except RecordUndecodable as error:
            raise _refused(400, error.code, message=f"{error} (at {error.place})") from error
        except RecordInvalid as error:
            raise _refused(422, error.code, message=f"{error} (at {error.place})") from error
        if body.refusals:
            raise _refused_items(body)
        return [event.id for event in body.events], records

    async def _acknowledged(self, records: Sequence[OutgoingRecord]) -> None:
        try:
            done = asyncio.wrap_future(self.committer.submit(records))
            await asyncio.wait_for(asyncio.shield(done), self.answer_timeout_s)
        except TimeoutError as error:
            words = (
                f"Kafka has not answered within {self.answer_timeout_s:g} s; send the same again"
            )
            raise _refused(503, "unavailable", message=words, headers=RETRY_AFTER) from error
        except HubbubError as error:
            words = f"Kafka did not take the events ({error.code}); send the same again"
            raise _refused(503, "unavailable", message=words, headers=RETRY_AFTER) from error


def make_app(door: EventDoor) -> Litestar:
    """Return the application around one door."""

    @post("/v1/events", status_code=202)
    async def post_events(request: AnyRequest) -> Response[Accepted | Problem]:
        started = time.monotonic()
        try:
            answer = Response[Accepted | Problem](await door.enter(request), status_code=202)
        except Refused as refused:
            door.tally.count("bad", refused.problem.refused)
            answer = _answer(refused)
        took = time.monotonic() - started
        HTTP_SECONDS.labels(status=str(answer.status_code)).observe(took)
        return answer

    @get("/livez")
    async def livez() -> str:
        return "ok"

    @get("/readyz")
    async def readyz() -> Response[str]:
        problem = door.committer.problem
        words = "ok" if problem is None else f"{problem.code}: {problem}"
        return Response(words, status_code=200 if problem is None else 503)

    @get("/metrics")
    async def metrics() -> Response[bytes]:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    handlers = [post_events, livez, readyz, metrics]
    return Litestar(handlers, openapi_config=None, request_max_body_size=None)


def _refused(
    status: int, code: str, *, message: str, headers: Mapping[str, str] | None = None
) -> Refused:
    return Refused(status, Problem(code, message), headers=headers)


def _refused_items(body: Body) -> Refused:
    count = len(body.refusals)
    message = f"{count} of {count + len(body.events)} events cannot be used; none was published"
    problem = Problem(body.refusals[0].code, message, count, body.refusals[:LISTED])
    return Refused(422 if body.is_readable else 400, problem)


def _answer(refused: Refused) -> Response[Accepted | Problem]:
    return Response(refused.problem, status_code=refused.status, headers=refused.headers)
