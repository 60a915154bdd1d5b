"""Write a model's card for people from its manifest, so that the two never disagree.

In: a `Manifest`. Out: Markdown, with nothing in it that another manifest could make untrue. Pure; imports
models.manifest alone.
"""

from models.manifest import Figure, Manifest, RarestClass


def model_card(manifest: Manifest) -> str:
    """Return the card: what it is, figures by head, language and source, limits, data with licences."""
    return (
        "\n".join(
            [
                *_head(manifest),
                *_figures(manifest),
                *_limits(manifest),
                *_calibration(manifest),
                *_data(manifest),
            ]
        )
        + "\n"
    )


def _head(manifest: Manifest) -> list[str]:
    heads = [
        f"- `{head}`: {', '.join(f'`{label}`' for label in labels)}"
        for head, labels in manifest.labels.items()
    ]
    agreement = ", ".join(
        f"{name} {100 * value:.1f} %" for name, value in manifest.agreement.items()
    )
    return [
        f"# {manifest.name}",
        "",
        f"{_build(manifest)} reads a text once and answers every head.",
        f"It reads at most {manifest.text.token_limit} pieces of a text and {manifest.text.context_limit} of what was",
        f"said before it. Its vector has {manifest.vector_width} numbers{_likeness(manifest)}.",
        f"Languages: {', '.join(manifest.languages)}; a text in another language is answered with abstentions.",
        f"Base: {manifest.base}.",
        f"Weights are int8 (static, per channel). Agreement with float32: {agreement}.",
        "",
        *heads,
        "",
    ]


def _build(manifest: Manifest) -> str:
    if not manifest.layers:
        return "A transformer"
    sizes = f"{manifest.vector_width} wide, {manifest.attention_heads} attention heads"
    return f"A transformer of {manifest.layers} layers ({sizes})"


def _likeness(manifest: Manifest) -> str:
    found = ", ".join(f"{lang} {cosine:.3f}" for lang, cosine in manifest.likeness.items())
    return (
        f"; mean cosine to the base encoder's vectors, on development rows: {found}"
        if found
        else ""
    )


def _figures(manifest: Manifest) -> list[str]:
    lines = [
        "## Development figures",
        "",
        "In percent, among the labels that the source knows; in brackets TF-IDF with logistic regression, trained on",
        "the same rows, 30,000 at most (the better of two: rows of the same kind, or all rows of the head and language",
        "whose labels tell the same classes apart; – where there are none). `rarest`: the class with the fewest rows,",
        "its F1, and how many rows those are. `at 80 %`: macro-F1 on the 80 % of rows with the largest probability.",
        "`ECE`: expected calibration error over 15 bins of equal mass. `answered`: the share without abstention, and",
        "its accuracy. No training has seen these rows, short turns of dialogues apart, which may stand in another",
        "dialogue too. Temperatures, thresholds and the ranges of int8 were made on them, and models may have been",
        "chosen by them, so expect slightly less elsewhere.",
        "",
        "| head | language | source | rows | accuracy | macro-F1 | macro-recall | rarest | at 80 % | ECE | answered |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    return [*lines, *(_figure_line(figure) for figure in manifest.figures), ""]


def _figure_line(figure: Figure) -> str:
    cells = (
        figure.head,
        figure.lang,
        figure.source.removesuffix(".jsonl.gz"),
        str(figure.rows),
        f"{100 * figure.accuracy:.1f} ({_or_none(figure.baseline_accuracy)})",
        f"{100 * figure.macro_f1:.1f} ({_or_none(figure.baseline_macro_f1)})",
        f"{100 * figure.macro_recall:.1f} ({_or_none(figure.baseline_macro_recall)})",
        _rarest(figure.rarest),
        f"{100 * figure.macro_f1_at_80:.1f}",
        f"{figure.calibration_error:.3f}",
        f"{100 * figure.answered:.0f} % at {100 * figure.answered_accuracy:.1f}",
    )
    return f"| {' | '.join(cells)} |"


def _or_none(share: float) -> str:
    return f"{100 * share:.1f}" if share else "–"


def _rarest(rarest: RarestClass | None) -> str:
    if rarest is None:
        return "–"
    return f"{rarest.name.replace('+', ' or ')}: {100 * rarest.f1:.1f} of {rarest.rows}"


def _limits(manifest: Manifest) -> list[str]:
    return [
        "## Limits",
        "",
        "A label means what the annotators of the files under Data took it to mean; other kinds of text fare worse.",
        "The model must not be used to judge persons.",
        "",
        *_gaps(manifest),
    ]


def _gaps(manifest: Manifest) -> list[str]:
    """Return a line for each head and language in which a label was never taught, or nothing is ever answered."""
    lines = []
    for head, labels in manifest.labels.items():
        for lang in manifest.languages:
            absent = manifest.untaught.get(head, {}).get(lang, ())
            names = f" of {', '.join(f'`{label}`' for label in absent)}"
            facts = (
                [f"no training row{names if len(absent) < len(labels) else ''}"] if absent else []
            )
            if lang not in manifest.calibration.get(head, {}):
                facts.append("always abstains")
            if facts:
                lines.append(f"- `{head}` in {lang}: {'; '.join(facts)}")
    return [*lines, ""] if lines else []


def _calibration(manifest: Manifest) -> list[str]:
    lines = [
        "## Calibration",
        "",
        "Over all development rows of a head and language: accuracy, its gain on the 80 % of rows with the largest",
        "probability, and ECE.",
        "",
        "| head | language | temperature | abstains below | rows | accuracy | gain at 80 % | ECE |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for pool in manifest.pools:
        fitted = manifest.calibration[pool.head].get(pool.lang)
        cells = (
            pool.head,
            pool.lang,
            f"{fitted.temperature:.3f}" if fitted else "–",
            f"{fitted.threshold:.3f}" if fitted else "always",
            str(pool.rows),
            f"{100 * pool.accuracy:.1f}",
            f"{100 * (pool.accuracy_at_80 - pool.accuracy):+.1f}",
            f"{pool.calibration_error:.3f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def _data(manifest: Manifest) -> list[str]:
    lines = [
        "## Data",
        "",
        "Trained and judged on these files alone. Look at the licences: some may allow research alone, or none may be",
        "stated. `or` in a label map: either label may be true.",
        "",
        "| file | for | language | role | licence as stated |",
        "|---|---|---|---|---|",
    ]
    rows = [
        f"| {s.file} | {s.head} | {s.lang} | {s.role} | {s.licence} |" for s in manifest.sources
    ]
    return [*lines, *rows, "", *_label_maps(manifest)]


def _label_maps(manifest: Manifest) -> list[str]:
    lines = [
        "## Label maps",
        "",
        "What each source's labels became; rows with any other label were left out.",
        "",
        "| file | head | ours: theirs |",
        "|---|---|---|",
    ]
    for source in manifest.sources:
        names = dict.fromkeys(source.labels.values())
        ours = {
            name: [theirs for theirs, mine in source.labels.items() if mine == name]
            for name in names
        }
        shown = "; ".join(f"{name}: {', '.join(theirs)}" for name, theirs in ours.items())
        if shown:
            lines.append(f"| {source.file} | {source.head} | {shown} |")
    return lines
