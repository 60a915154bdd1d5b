"""Write a model's card for people from its manifest, so that the two never disagree.

In: a `Manifest`. Out: Markdown. Pure; imports models.manifest alone.
"""

from models.manifest import Figure, Manifest


def model_card(manifest: Manifest) -> str:
    """Return the card: what it is, figures by head, language and source, limits, data with licences."""
    return (
        "\n".join(
            [
                *_head(manifest),
                *_figures(manifest),
                *_limits(),
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
    correlation = manifest.likeness.get("held_out_correlation", 0.0)
    return [
        f"# {manifest.name}",
        "",
        "A bag of pieces: every piece of a text has a row of numbers; the rows are added and small heads read the sum.",
        f"Languages: {', '.join(manifest.languages)}; a text in another language is answered with abstentions.",
        f"Base: {manifest.base}; its vectors of our texts are what the likeness part learnt",
        f"(correlation of cosines on held-out texts {correlation:.3f}). A vector has {manifest.vector_width} numbers.",
        f"At most {manifest.text.token_limit} pieces of a text are read.",
        "",
        *heads,
        "",
    ]


def _figures(manifest: Manifest) -> list[str]:
    lines = [
        "## Development figures",
        "",
        "Accuracy and macro-F1 in percent among the labels that the source knows; in brackets TF-IDF with logistic",
        "regression, trained on the same rows. `open`: accuracy among all labels of the head. `answered`: the share",
        "that does not abstain, and its accuracy. `ECE`: expected calibration error. The best training step,",
        "temperatures and thresholds were chosen on these rows, so expect slightly less elsewhere.",
        "",
        "| head | language | source | rows | accuracy | macro-F1 | open | answered | ECE |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    return [*lines, *(_figure_line(figure) for figure in manifest.figures), ""]


def _figure_line(figure: Figure) -> str:
    cells = (
        figure.head,
        figure.lang,
        figure.source.removesuffix(".jsonl.gz"),
        str(figure.rows),
        f"{100 * figure.accuracy:.1f} ({100 * figure.baseline_accuracy:.1f})",
        f"{100 * figure.macro_f1:.1f} ({100 * figure.baseline_macro_f1:.1f})",
        f"{100 * figure.open_accuracy:.1f}",
        f"{100 * figure.answered:.0f} % at {100 * figure.answered_accuracy:.1f}",
        f"{figure.calibration_error:.3f}",
    )
    return f"| {' | '.join(cells)} |"


def _limits() -> list[str]:
    return [
        "## Limits",
        "",
        "Word order is not seen: negation and irony are learnt only where single pieces give them away. The",
        "conversation before a text is not read. Labels come from annotators of tweets, Reddit, Weibo, reviews and",
        "headlines; other kinds of text fare worse. A head always abstains in a language for which it has no row",
        "under Calibration: it saw too few kinds of text there to be trusted. It must not be used to judge persons.",
        "",
    ]


def _calibration(manifest: Manifest) -> list[str]:
    lines = [
        "## Calibration",
        "",
        "| head | language | temperature | abstains below |",
        "|---|---|---|---|",
    ]
    for head, by_language in manifest.calibration.items():
        lines += [
            f"| {head} | {lang} | {c.temperature:.3f} | {c.threshold:.3f} |"
            for lang, c in by_language.items()
        ]
    return [*lines, ""]


def _data(manifest: Manifest) -> list[str]:
    lines = [
        "## Data",
        "",
        "No official test split was used. Some sets allow research use alone or state no licence.",
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
