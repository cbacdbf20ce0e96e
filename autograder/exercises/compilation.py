"""Compile an exercise with a seed: choose cases that tell every mistake from every other, and record all answers."""

import zlib
from itertools import combinations

import numpy as np
from attention_lab.comparison import RAISES, TOLD_BY_TEXT, as_values, dtypes_of, raised, relation
from attention_lab.given import fresh, was_changed
from attention_lab.sheet import ANYTHING, BREAKS, Case, Explanation, Mistake, Sheet
from attention_lab.tensors import one_thread
from attention_lab.verdict import Part

from autograder.exercises.exercise import Draft, Exercise, Raises, Untold

MARGIN = 1e-6  # answers nearer than this, relative to their size, are one answer, as they are to the judge


def compile_sheet(exercise: Exercise, seed: int) -> Sheet:
    """The sheet of an exercise for a seed. Every single mistake in it can be seen and told from every other."""
    rng = np.random.default_rng([seed, zlib.crc32(exercise.id.encode())])
    drafts = [*exercise.shown()]
    for _ in range(exercise.rounds):
        drafts.extend(exercise.draw(rng))
    switches = [(), *fault_sets(exercise)]
    with one_thread():
        table = [[_answer(exercise, faults, draft) for faults in switches] for draft in drafts]
    labelled = [_label(row, max(MARGIN, draft.tolerance)) for row, draft in zip(table, drafts, strict=True)]
    labels = np.array([row_labels for row_labels, _ in labelled])
    names = [tuple(sorted({switch.split("/")[0] for switch in faults})) for faults in switches]
    chosen = _choose(drafts, labels, names)
    _every_part_has_a_hidden_case(exercise, [drafts[index] for index in chosen])
    return Sheet(
        exercise=exercise.id,
        outputs=exercise.outputs,
        sums=exercise.sums,
        parts=tuple(Part(name, float(points)) for name, points in exercise.parts.items()),
        success=exercise.success,
        mistakes={fault.id: Mistake(fault.id, fault.matches, fault.look_at, fault.quiet) for fault in exercise.faults},
        cases=tuple(_case(exercise, drafts[index], labelled[index][1]) for index in chosen),
        explanations=_explanations(exercise, table, labels, names, chosen),
        words=exercise.words,
        replies=exercise.replies,
        driver=exercise.driver,
        library=exercise.library,
        keeps_dtype=exercise.keeps_dtype,
    )


def _every_part_has_a_hidden_case(exercise: Exercise, chosen: list[Draft]) -> None:
    """Shown cases are in every sheet, so a table of them would earn a part that has no others."""
    hidden = {draft.part for draft in chosen if not draft.shown}
    bare = {draft.part for draft in chosen if draft.arguments} - hidden
    if bare:
        raise ValueError(f"{exercise.id}: every case of the part {sorted(bare)[0]!r} is shown; draw some for it")


def fault_sets(exercise: Exercise) -> list[tuple[str, ...]]:
    """Every single switch, then every pair of switches from two different slots."""
    singles = [(fault.slot, switch) for fault in exercise.faults for switch in fault.switches]
    pairs = [(a, b) for (slot_a, a), (slot_b, b) in combinations(singles, 2) if slot_a != slot_b]
    return [(switch,) for _, switch in singles] + pairs


def _answer(exercise: Exercise, faults: tuple[str, ...], draft: Draft):
    """(outputs, the names of inputs that were changed), or ANYTHING, or BREAKS."""
    first = _answer_once(exercise, faults, draft, draft.arguments)
    if draft.again is None or isinstance(first, int) or isinstance(first[0][0], str):
        return first
    second = _answer_once(exercise, faults, draft, draft.arguments | draft.again)
    if isinstance(second, int):
        return second
    (values, changed), (others, _) = first, second
    return (*values, relation(values[0], others[0])), changed


def _answer_once(exercise: Exercise, faults: tuple[str, ...], draft: Draft, given: dict):
    arguments = fresh(given)
    named = {name: arguments[name] for name in draft.keywords}
    positional = [value for name, value in arguments.items() if name not in named]
    try:
        with np.errstate(all="ignore"):
            if faults:
                returned = exercise.model(frozenset(faults), *positional, **named)
            else:
                returned = exercise.reference(*positional, **named)
    except Untold:
        return ANYTHING
    except Raises as sign:
        return (str(sign) or RAISES,), ()
    except Exception as error:
        if draft.raises or isinstance(error, OverflowError) or type(error).__name__ == TOLD_BY_TEXT:
            return (raised(error),), ()
        if isinstance(error, ValueError | IndexError | TypeError | ArithmeticError | RuntimeError):
            return BREAKS
        raise
    values = as_values(returned, len(exercise.outputs))
    if values is None:
        return BREAKS
    if exercise.keeps_dtype:
        values += dtypes_of(returned, len(exercise.outputs))
    changed = tuple(name for name, value in arguments.items() if was_changed(given[name], value))
    return tuple(np.array(value) if isinstance(value, np.ndarray) else value for value in values), changed


def _label(row: list, margin: float) -> tuple[list[int], list[tuple]]:
    """Number the different answers to one case; the right one, which comes first, is 0."""
    distinct, places = {}, []
    for answer in row:
        if isinstance(answer, int):
            places.append(answer)
            continue
        key = tuple(
            value if isinstance(value, str) else (value.dtype.str, value.shape, value.tobytes()) for value in answer[0]
        )
        places.append(distinct.setdefault(key, (len(distinct), answer[0]))[0])
    values = [value for _, value in distinct.values()]
    groups = {}
    for index, value in enumerate(values):
        groups.setdefault(_kind(value), []).append(index)
    representative = np.arange(len(values))
    for members in groups.values():
        numbers, bounds = (np.array(rows) for rows in zip(*(_numbers(values[i], margin) for i in members), strict=True))
        members = np.array(members)
        for place, index in enumerate(members):
            if representative[index] == index:
                equal = np.abs(numbers - numbers[place]) <= bounds[place]
                equal |= np.isnan(numbers) & np.isnan(numbers[place])
                same = members[equal.all(axis=1) & (members >= index)]
                representative[same] = np.minimum(representative[same], index)
    kept = sorted(set(representative.tolist()))
    labels = [place if place < 0 else kept.index(representative[place]) for place in places]
    return labels, [values[index] for index in kept]


def _kind(answer: tuple):
    """What must be equal before numbers are compared: texts, shapes, and whether it is boolean."""
    return tuple(value if isinstance(value, str) else (value.shape, value.dtype.kind == "b") for value in answer)


def _numbers(answer: tuple, margin: float) -> tuple[np.ndarray, np.ndarray]:
    """All numbers of an answer in a row (those not finite as NaN), and how far another may be off."""
    arrays = [value.astype(float).ravel() for value in answer if not isinstance(value, str)]
    arrays = [np.where(np.isfinite(array), array, np.nan) for array in arrays]
    bounds = [np.full(array.shape, margin * np.nanmax(np.abs(array), initial=0.01)) for array in arrays]
    return np.concatenate([*arrays, []]), np.concatenate([*bounds, []])


def _choose(drafts: list[Draft], labels: np.ndarray, names: list[tuple]) -> list[int]:
    """The shown drafts, one of every other kind, and then whatever separates most, until nothing more can be."""
    kinds, chosen = set(), []
    for index, draft in enumerate(drafts):
        if draft.shown or (draft.part, draft.name) not in kinds:
            chosen.append(index)
        kinds.add((draft.part, draft.name))
    codes = {name: code for code, name in enumerate(dict.fromkeys(names))}
    code = np.array([codes[name] for name in names])
    first, second = np.triu_indices(len(names), k=1)
    different = code[first] != code[second]
    first, second = first[different], second[different]
    separates = np.array([_separates(row, first, second) for row in labels])
    covered = separates[chosen].sum(axis=0)
    goal = np.minimum(separates.sum(axis=0), 2)
    while (open_pairs := covered < goal).any():
        best = int((separates & open_pairs).sum(axis=1).argmax())
        chosen.append(best)
        covered = covered + separates[best]
        separates[best] = False
    return sorted(set(chosen), key=lambda index: (not drafts[index].shown, index))


def _separates(row: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    a, b = row[first], row[second]
    values = (a >= 0) & (b >= 0) & (a != b)
    return values | ((a == BREAKS) & (b == 0)) | ((b == BREAKS) & (a == 0))


def _case(exercise: Exercise, draft: Draft, answers: list[tuple]) -> Case:
    rounded = [answers[0], *(tuple(_rounded(value) for value in answer) for answer in answers[1:])]
    return Case(
        draft.name,
        draft.part,
        draft.arguments,
        draft.keywords,
        draft.shown,
        tuple(rounded),
        draft.tolerance,
        draft.again,
        extras=(len(exercise.outputs) if exercise.keeps_dtype else 0) + (draft.again is not None),
    )


def _rounded(value):
    """Wrong answers are kept in float32: enough to recognise them, and half the size."""
    if isinstance(value, str) or value.dtype.kind != "f":
        return value
    with np.errstate(over="ignore"):
        return value.astype(np.float32)


def _explanations(exercise, table, labels, names, chosen) -> tuple[Explanation, ...]:
    """Those that a chosen case shows by numbers; two at once only where they answer otherwise than one alone."""
    singles, explanations, seen = set(), [], set()
    for column in range(1, len(names)):
        choices = tuple(int(labels[index, column]) for index in chosen)
        entries = [table[index][column] for index in chosen]
        changes = tuple(sorted({name for entry in entries if isinstance(entry, tuple) for name in entry[1]}))
        shows = any(choice > 0 for choice in choices) or bool(changes)
        if len(names[column]) == 1:
            if not shows:
                raise ValueError(f"{exercise.id}: no case shows {names[column][0]} by its numbers")
            singles.add((changes, choices))
        elif not shows or (changes, choices) in singles:
            continue
        key = (names[column], changes, choices)
        if key not in seen:
            seen.add(key)
            explanations.append(Explanation(names[column], changes, choices))
    return tuple(explanations)
