"""Lesson 4: six attention functions, to be told apart by what they answer."""

from autograder.exercises.exercise import Draft, Exercise
from solutions import masking

TESTS = {  # of each kind of leak: what would be seen, and on which input
    "inverted": "If it saw the future alone, no output would move when the token before it does. Move that one.",
    "one ahead": "If it looked one token ahead, output 0 would move with token 1, and with no later one. Move them.",
    "after softmax": "If it were masked after the softmax, output 0 would keep its direction, however loud the others "
    "are. Make the last token a million times as long: is output 0 still a multiple of token 0?",
    "fill too small": "If its fill were too small, a later token that is loud enough would be seen in output 0 itself. "
    "Make the last token a million times as long: does output 0 become loud?",
    "mean of all": "If it subtracted the mean of all, nothing would move when every token gets the same vector added. "
    "Add one.",
}

LEAKS = Exercise(
    id="diagnose_leaks",
    lesson="04_masking",
    reference=masking.diagnose_leaks,
    model=lambda faults: masking.diagnose_leaks(),
    outputs=("A", "B", "C", "D", "E", "F"),
    parts={"diagnosis": 3},
    success="`diagnose_leaks` holds: you found the leaks, and cleared the honest, without reading their code.",
    faults=(),
    shown=lambda: [Draft("diagnosis", "the six functions", {}, shown=True)],
    draw=lambda rng: [],
    replies={
        "honest": "A detector that works finds a leak in {name}. Run your `sees_the_future` on that function.",
        **{word: f"Does your `sees_the_future` find a leak in {{name}} at all? {test}" for word, test in TESTS.items()},
    },
    words=("honest", "inverted", "one ahead", "after softmax", "fill too small", "mean of all"),
)
