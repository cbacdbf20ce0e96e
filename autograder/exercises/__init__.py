"""The exercises of the course, in the order of the lessons; `compile_sheet(exercise, seed)` makes them judgeable."""

from autograder.exercises import batched_gpu, intuition, masking, multi_head, queries_keys_values, scaling
from autograder.exercises.compilation import compile_sheet
from autograder.exercises.exercise import Exercise

EXERCISES: dict[str, Exercise] = {
    exercise.id: exercise
    for lesson in (intuition, queries_keys_values, scaling, masking, multi_head, batched_gpu)
    for exercise in lesson.EXERCISES
}

__all__ = ["EXERCISES", "Exercise", "compile_sheet"]
