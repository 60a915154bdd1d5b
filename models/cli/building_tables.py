"""Lay plans and certificates out for people and as JSON.

In: a record, a certificate, listed plans. Out: a `BuildReport`, rich tables and lines. Pure; imports msgspec, rich and
models.engines' records.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from models.engines.certificate import Certificate, Parity, misfits
from models.engines.plan_cache import BUILD, ListedPlan, PlanRecord

MEGABYTE = 1_000_000


class BuildReport(msgspec.Struct, frozen=True):
    """Hold one plan as `--json` shows it: `usable` says whether workers on the GPU of its certificate use it.

    `reasons` say in words why not.
    """

    path: str
    record: PlanRecord | None
    certificate: Certificate | None
    usable: bool
    reasons: tuple[str, ...]


def report(listed: ListedPlan, path: Path, *, no_gpu: str = "") -> BuildReport:
    """Return what is to be said of a plan; `no_gpu` says why none could be used to certify it."""
    reasons = _reasons(listed, no_gpu)
    return BuildReport(str(path), listed.record, listed.certificate, not reasons, reasons)


def build_lines(found: BuildReport) -> Iterator[RenderableType]:
    """Yield what `build` prints of one plan, top to bottom."""
    record, certificate = found.record, found.certificate
    if record is not None:
        key = record.key
        widths = ", ".join(f"{width} x {rows}" for width, rows in record.profiles)
        yield Text(
            f"plan: {found.path}, {record.plan_bytes / MEGABYTE:.1f} MB, built in {record.build_seconds:.1f} s"
        )
        yield Text(f"  {key.runtime} {key.version} for {_gpu(key.gpu)}; pieces x rows: {widths}")
    if certificate is not None:
        yield Text(
            f"compared on {certificate.gpu} with {certificate.reference}: {certificate.data}"
        )
        yield _parity(certificate.parity)
        if certificate.not_judged:
            yield Text(certificate.not_judged)
    for reason in found.reasons:
        yield Text(f"not used: {reason}")
    if found.usable and certificate is not None:
        yield Text(f"certified for {certificate.gpu}")


def list_lines(reports: Sequence[BuildReport]) -> Iterator[str]:
    """Yield two lines a plan: what it is, and what its certificate says."""
    for each in reports:
        record = each.record
        if record is None:
            yield each.path
        else:
            key = record.key
            yield (
                f"{each.path}, {record.plan_bytes / MEGABYTE:.1f} MB, {key.runtime} {key.version}"
                f" for {_gpu(key.gpu)}, model {key.model[:16]}, built {record.built_at:%Y-%m-%d %H:%M} UTC"
            )
        yield f"  {_state(each)}"


def _reasons(listed: ListedPlan, no_gpu: str) -> tuple[str, ...]:
    record, certificate = listed.record, listed.certificate
    if record is None or listed.problem:
        return (listed.problem,)
    if certificate is None:
        why = f"it is not certified: {no_gpu}" if no_gpu else "it is not certified"
        return (f"{why}; {BUILD} where the GPU is",)
    return misfits(
        certificate, plan=listed.name, plan_sha256=record.plan_sha256, gpu=certificate.gpu
    )


def _state(found: BuildReport) -> str:
    if found.reasons or found.certificate is None:
        return f"not used: {'; '.join(found.reasons)}"
    parity, not_judged = found.certificate.parity, found.certificate.not_judged
    least = min(head.agreement for head in parity.heads.values())
    return (
        f"certified for {found.certificate.gpu}: every head has the label of float32 in {100 * least:.2f} %"
        f" or more of {parity.texts:,} texts"
    ) + (f"; {not_judged}" if not_judged else "")


def _gpu(name: str) -> str:
    return "any GPU that it supports" if name == "any" else name


def _parity(parity: Parity) -> Table:
    table = Table("head", "same label %", "largest difference", "labelled", "macro-F1", "float32's")
    for head, found in parity.heads.items():
        f1 = [
            "not judged" if value is None else f"{100 * value:.2f}"
            for value in (found.engine_f1, found.reference_f1)
        ]
        shown = (f"{100 * found.agreement:.2f}", f"{found.largest_difference:.4f}")
        table.add_row(head, *shown, f"{found.labelled:,}", *f1)
    table.caption = (
        f"{parity.texts:,} texts; worst cosine {parity.least_cosine:.4f},"
        f" same strongest span {100 * parity.spans:.2f} %"
    )
    return table
