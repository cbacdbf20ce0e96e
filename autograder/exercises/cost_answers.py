"""Lesson 6: by what factor the cost grows when a size is doubled, predicted and found out; the answers are words."""

from autograder.exercises.exercise import Draft, Exercise
from solutions import batched_gpu

COSTS = Exercise(
    id="cost_answers",
    lesson="06_batched_gpu",
    reference=batched_gpu.cost_answers,
    model=lambda faults: batched_gpu.cost_answers(),
    outputs=("A", "B", "C", "D", "E", "F", "G", "H"),
    parts={"predictions": 3},
    success="`cost_answers` holds: you know what n² costs, what a mask does not save, and what tiles do.",
    faults=(),
    shown=lambda: [Draft("predictions", "the eight gaps", {}, shown=True)],
    draw=lambda rng: [],
    words=("half", "the same", "twice", "four times"),
)
