"""Draw a back-test: a panel for each watch and rule, with its curve, what is usual, and what would have fired.

In: panels. Out: a PNG. Needs the extra `plots` (matplotlib), imported here alone and only when something is drawn; no
display is needed. Words in other scripts than Latin are escaped, for the fonts that come with it have no others.
"""

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from consumers.alerting.episode import moment
from consumers.operations.backtesting import Firing, Span
from consumers.operations.panels import Panel
from contracts.errors import InvalidInput, MissingExtra

WIDTH_IN = 14.0
PANEL_HEIGHT_IN = 2.3
DPI = 100
# With more panels than this they stand in two columns.
ONE_COLUMN = 4
OBSERVED, USUAL, OTHERS = "#1f4e79", "#7a7a7a", "#bbbbbb"
COLOURS = {"info": "#3a9ad9", "warning": "#f08c00", "critical": "#d7263d"}
# Greater numbers are written as 10k or 2.5M.
MANY = 10_000
# A firing that is shorter than this share of the whole is drawn so wide.
LEAST_WIDTH = 0.003


def check_drawable(path: Path) -> None:
    """Raise MissingExtra where matplotlib is not there, InvalidInput where the picture would have no folder."""
    try:
        import matplotlib as _  # noqa: F401
    except ImportError as error:
        raise MissingExtra("a plot needs matplotlib: pip install 'hubbub[plots]'") from error
    if not path.parent.is_dir():
        raise InvalidInput(f"--plot {path}: there is no folder {path.parent}")


def write_plot(panels: Sequence[Panel], path: Path, *, span: Span) -> None:
    """Write the picture; raises MissingExtra, and InvalidInput for a path that cannot be written or no panel."""
    check_drawable(path)
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not panels:
        raise InvalidInput("there is nothing to draw: no watch has a rule")
    columns = 1 if len(panels) <= ONE_COLUMN else 2
    rows = -(-len(panels) // columns)
    style = {
        "text.parse_math": False,
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with mpl.rc_context(style):
        figure = Figure(
            figsize=(WIDTH_IN, 0.7 + rows * PANEL_HEIGHT_IN), dpi=DPI, layout="constrained"
        )
        FigureCanvasAgg(figure)
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True).flatten()
        for axis, panel in zip(axes, panels, strict=False):
            _draw(axis, panel, span=span)
        for axis in axes[len(panels) :]:
            axis.set_visible(False)
        _explain(figure)
        try:
            figure.savefig(path, format="png")
        except OSError as error:
            raise InvalidInput(f"--plot {path}: {error.strerror}") from error


def _draw(axis: Any, panel: Panel, *, span: Span) -> None:
    _draw_curve(axis, panel)
    for firing in panel.others:
        axis.axvspan(*_stretch(firing, span), color=OTHERS, alpha=0.25, linewidth=0)
    for firing in panel.firings:
        colour = COLOURS[firing.severity]
        axis.axvspan(*_stretch(firing, span), color=colour, alpha=0.22, linewidth=0)
        axis.axvline(firing.fired_at, color=colour, linewidth=1.4)
    axis.set_xlim(moment(span.begin_ms), moment(span.end_ms))
    axis.set_ylabel(_latin(panel.measure))
    axis.set_title(_latin(panel.title), loc="left", fontweight="bold", fontsize=10)
    axis.set_title(_fired_words(panel), loc="right", fontsize=9)
    _mark_time(axis)


def _draw_curve(axis: Any, panel: Panel) -> None:
    from matplotlib.ticker import EngFormatter

    if not panel.points:
        axis.text(0.5, 0.5, "nothing to show", transform=axis.transAxes, ha="center", color=USUAL)
        return
    times = [moment(point.at_ms) for point in panel.points]
    observed = [point.observed for point in panel.points]
    usual = [float("nan") if point.usual is None else point.usual for point in panel.points]
    axis.fill_between(times, observed, color=OBSERVED, alpha=0.12, linewidth=0)
    axis.plot(times, observed, color=OBSERVED, linewidth=1.1, marker=".", markersize=2)
    axis.plot(times, usual, color=USUAL, linewidth=1.3, linestyle="--")
    known = [value for value in observed if not math.isnan(value)]
    axis.set_ylim(bottom=min([0.0, *known]))
    if max(known, default=0.0) >= MANY:
        axis.yaxis.set_major_formatter(EngFormatter(sep=""))


def _mark_time(axis: Any) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=4, maxticks=10)
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axis.tick_params(labelbottom=True)
    axis.grid(axis="y", alpha=0.25, linewidth=0.6)


def _explain(figure: Any) -> None:
    """Say once, above the panels, what the lines and colours mean."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Line2D([], [], color=OBSERVED, label="observed"),
        Line2D([], [], color=USUAL, linestyle="--", label="usual, or the rule's limit"),
        *(Patch(color=colour, alpha=0.5, label=f"fires: {name}") for name, colour in COLOURS.items()),
        Patch(color=OTHERS, alpha=0.5, label="another group fires"),
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False)


def _stretch(firing: Firing, span: Span) -> tuple[datetime, datetime]:
    """Return from when to when a firing is drawn."""
    end = moment(span.end_ms)
    begin = firing.fired_at
    least = (end - moment(span.begin_ms)) * LEAST_WIDTH
    return begin, max(firing.ended_at or end, begin + least)


def _fired_words(panel: Panel) -> str:
    count, others = len(panel.firings), len(panel.others)
    words = f"fired {count}×"
    return f"{words}, other groups {others}×" if others else words


def _latin(text: str) -> str:
    return text.encode("latin-1", "backslashreplace").decode("latin-1")
