"""Lesson 3: what temperature does to entropy and to the Jacobian, predicted and found out; the answers are words."""

from autograder.exercises.exercise import Draft, Exercise
from solutions import scaling

TEMPERATURE = Exercise(
    id="temperature_answers",
    lesson="03_scaling",
    reference=scaling.temperature_answers,
    model=lambda faults: scaling.temperature_answers(),
    outputs=("A", "B", "C", "D", "E", "F", "G"),
    parts={"predictions": 3},
    success="`temperature_answers` holds: you know what happens to a row that is too cold, too hot, or not divided.",
    faults=(),
    shown=lambda: [Draft("predictions", "the seven gaps", {}, shown=True)],
    draw=lambda rng: [],
    words=("zero", "log n", "0.242", "falls", "stays", "too few steps", "no gradient", "too much gradient"),
)
