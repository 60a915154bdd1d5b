"""Lay a comparison of engines out for people.

In: a `Comparison`. Out: a rich table and lines; an agreement below 99.5 % is bold, as Markdown has it. Pure; imports
rich and models.evaluation's records.
"""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from models.evaluation.agreement import Comparison, HeadAgreement, is_below

COLUMNS = ("engine", "head", "same", "if sure", "largest", "mean", "F1", "change")
LEGEND = (
    "same label in % of all texts, and of those on which float32 does not abstain, **below 99.5 %**; largest and mean"
    " difference of a probability; macro-F1 and its change, points"
)


def tables(comparison: Comparison) -> Iterator[RenderableType]:
    """Yield what to print, top to bottom; engines by name, of each the head that agrees least first."""
    yield Text(
        f"{comparison.texts:,} texts by {comparison.model_name} {comparison.model_version},"
        f" beside {comparison.reference}"
    )
    for name, count in comparison.files.items():
        yield Text(f"  {count:,} of {name}")
    table = Table(*COLUMNS)
    engines = sorted(comparison.engines, key=lambda each: each.engine)
    for each in engines:
        for head, found in sorted(each.heads.items(), key=lambda item: item[1].agreement):
            table.add_row(each.engine, head, *_figures(found))
    if engines:
        yield table
        yield Text(LEGEND)
        yield Text(f"below 99.5 %, all texts: {_listed(comparison.below_99_5)}")
        sure = _listed(comparison.answered_below_99_5)
        yield Text(f"below 99.5 %, texts on which float32 does not abstain: {sure}")
    for each in engines:
        yield Text(
            f"{each.engine}: vectors' cosine {each.mean_cosine:.4f} in the mean, {each.least_cosine:.4f} at least;"
            f" {each.texts_per_second:,.0f} texts a second"
        )
    for name, reason in sorted(comparison.not_run.items()):
        yield Text(f"{name}: not run: {reason}")


def _figures(found: HeadAgreement) -> tuple[str, ...]:
    return (
        _share(found.agreement),
        _share(found.answered_agreement),
        f"{found.largest_difference:.4f}",
        f"{found.mean_difference:.5f}",
        "–" if found.f1 is None else f"{100 * found.f1:.2f}",
        "–" if found.f1_change is None else f"{100 * found.f1_change:+.2f}",
    )


def _share(agreement: float | None) -> str:
    """Return an agreement in %, bold where it is below 99.5 %."""
    if agreement is None:
        return "–"
    shown = f"{100 * agreement:.2f}"
    return f"**{shown}**" if is_below(agreement) else shown


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"
