"""Lesson 4: six attention functions, to be told apart by what they answer."""

from autograder.exercises.exercise import Draft, Exercise
from solutions import masking

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
    replies={"honest": "A detector that works finds a leak in {name}. Run your `sees_the_future` on that function."},
    words=("honest", "inverted", "one ahead", "after softmax", "fill too small", "mean of all"),
)
