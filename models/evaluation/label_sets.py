"""Join the labels of a file with those of a head, whatever either calls them.

In: a task, the head's labels, the file's labels, what the user said of them. Out: `LabelSets`: the classes that can be
told apart, each a set of the head's labels. Pure; imports contracts and models.evaluation.label_names.

1. A file's label stands for what `--map` says; else for the head's label of its name; else, by the tables of
   `label_names`, for all labels of the head whose meaning lies within its own.
2. A set gives up the labels that bear the name of another label of the file, and those that are another's whole set:
   `offensive` is {offensive, hate}, but {offensive} in a file that has `hate` too. A set that nothing is left of in the
   first step keeps all, and so becomes one class with the other.
3. Equal sets are one class (`happiness` and `like` are joy). A label of ours that two classes still share counts for
   neither; a class that nothing is left of cannot be told apart, and its rows are left out.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from contracts.errors import InvalidInput
from models.evaluation.label_names import HEAD_OF_TASK, NAMES, TOGETHER, plain_name

UNKNOWN = "label without counterpart"
SHARED = "label not told apart"

Set = frozenset[str]


class LabelClass(msgspec.Struct, frozen=True):
    """Hold one class to choose: its name, the head's labels that mean it, and the file's."""

    name: str
    ours: tuple[str, ...]
    theirs: tuple[str, ...]


class LabelSets(msgspec.Struct, frozen=True):
    """Hold the classes, each file label's class by position, and why other file labels are left out."""

    classes: tuple[LabelClass, ...]
    positions: dict[str, int]
    left_out: dict[str, str]


class Dictionary:
    """Tell what names mean in one task, for the names of one file or one head taken together."""

    def __init__(self, task: str, names: Collection[str]) -> None:
        tables = NAMES.get(HEAD_OF_TASK.get(task, task), {})
        self._known = {word for ours in tables for word in ours.split("+")}
        self._words = {
            theirs: frozenset(filter(None, ours.split("+")))
            for ours, words in tables.items()
            for theirs in words.split()
        }
        plain = {plain_name(name) for name in names}
        fits = (
            each.names
            for each in TOGETHER.get(task, ())
            if plain <= each.names.keys() and each.needs <= plain
        )
        self.together = {name: frozenset(o.split("+")) for name, o in next(fits, {}).items()}

    def means(self, name: str) -> Set:
        """Return what a file means by `name`, in our labels; itself where no table has it."""
        plain = plain_name(name)
        return self.together.get(plain) or self._words.get(plain, frozenset({plain}))

    def is_called(self, name: str) -> Set:
        """Return what a head means by `name`: a label of ours is always itself, never a set of several."""
        plain = plain_name(name)
        is_ours = plain in self._known and plain not in self.together
        return frozenset({plain}) if is_ours else self.means(name)


def label_sets(
    task: str,
    labels: Sequence[str],
    *,
    names: Iterable[str],
    renamed: Mapping[str, tuple[str, ...]],
) -> LabelSets:
    """Return the classes for a file whose labels are `names` and a head that has `labels`.

    `renamed` maps names of the file to labels of the head (none: leave it out). Raises `InvalidInput` when it names
    what neither has.

    >>> sets = label_sets(
    ...     "harm", ["none", "offensive", "hate"], names=["hate", "not-hate"], renamed={}
    ... )
    >>> [(each.name, each.ours) for each in sets.classes]
    [('not-hate', ('none', 'offensive')), ('hate', ('hate',))]
    """
    found = sorted(set(names))
    if unknown := renamed.keys() - set(found):
        raise InvalidInput(
            f"--map names {_listed(unknown)}, which no row has; the labels are {_listed(found)}"
        )
    direct = _direct(task, labels, names=[name for name in found if name not in renamed])
    wide = _wide(task, labels, names=[name for name in found if name not in renamed])
    first = {name: ours | direct.get(name, frozenset()) for name, ours in wide.items()}
    first |= {name: _named(ours, labels, theirs=name) for name, ours in renamed.items()}
    left_out = {name: UNKNOWN for name, ours in first.items() if not ours}
    kept = {name: ours for name, ours in first.items() if ours}
    apart = _without_shared(_without_whole_sets(_without_names(kept, direct)))
    left_out |= {name: SHARED for name, ours in apart.items() if not ours}
    return _classes({name: ours for name, ours in apart.items() if ours}, labels, left_out=left_out)


def _direct(task: str, labels: Sequence[str], *, names: Sequence[str]) -> dict[str, Set]:
    """Return the head's label of each name that has one; names with a meaning together are direct all or none."""
    by_plain = {plain_name(label): label for label in reversed(labels)}
    found = {
        name: frozenset({name if name in labels else by_plain[plain_name(name)]})
        for name in names
        if name in labels or plain_name(name) in by_plain
    }
    is_together = bool(Dictionary(task, names).together)
    return {} if is_together and len(found) < len(names) else found


def _wide(task: str, labels: Sequence[str], *, names: Sequence[str]) -> dict[str, Set]:
    theirs, ours = Dictionary(task, names), Dictionary(task, labels)
    meanings = {label: ours.is_called(label) for label in labels}
    return {
        name: frozenset(
            label for label, called in meanings.items() if called and called <= theirs.means(name)
        )
        for name in names
    }


def _named(ours: tuple[str, ...], labels: Sequence[str], *, theirs: str) -> Set:
    by_plain = {plain_name(label): label for label in reversed(labels)}
    known = {name: name if name in labels else by_plain.get(plain_name(name)) for name in ours}
    if missing := [name for name, label in known.items() if label is None]:
        raise InvalidInput(
            f"--map {theirs}={'+'.join(ours)}: the head has no label {_listed(missing)}; it has {_listed(labels)}"
        )
    return frozenset(label for label in known.values() if label is not None)


def _without_names(sets: dict[str, Set], direct: Mapping[str, Set]) -> dict[str, Set]:
    owned = Counter(label for ours in direct.values() for label in ours)
    of_others = {name: owned - Counter(direct.get(name, ())) for name in sets}
    return {name: ours - set(of_others[name]) or ours for name, ours in sets.items()}


def _without_whole_sets(sets: dict[str, Set]) -> dict[str, Set]:
    wholes = set(sets.values())
    return {
        name: ours.difference(*(whole for whole in wholes if whole < ours))
        for name, ours in sets.items()
    }


def _without_shared(sets: dict[str, Set]) -> dict[str, Set]:
    claims = Counter(label for ours in set(sets.values()) for label in ours)
    shared = {label for label, count in claims.items() if count > 1}
    return {name: ours - shared for name, ours in sets.items()}


def _classes(sets: dict[str, Set], labels: Sequence[str], *, left_out: dict[str, str]) -> LabelSets:
    order = {label: at for at, label in enumerate(labels)}
    parts = sorted(set(sets.values()), key=lambda part: min(order[label] for label in part))
    theirs = [tuple(name for name, ours in sets.items() if ours == part) for part in parts]
    ours = [tuple(sorted(part, key=order.__getitem__)) for part in parts]
    plain = [
        each[0] if len(each) == 1 else "/".join(names)
        for each, names in zip(ours, theirs, strict=True)
    ]
    # A file may use a label's name for others of ours: then all are called by what they hold.
    chosen = plain if len(set(plain)) == len(plain) else ["+".join(each) for each in ours]
    classes = tuple(map(LabelClass, chosen, ours, theirs))
    positions = {name: parts.index(part) for name, part in sets.items()}
    return LabelSets(classes, positions, left_out)


def _listed(names: Iterable[str], limit: int = 20) -> str:
    shown = [repr(name) for name in names]
    more = f" and {len(shown) - limit} more" if len(shown) > limit else ""
    return ", ".join(shown[:limit]) + more
