"""Lesson 6: how to time it, attention in batches, its cost, the library's, tile by tile, and what costs more."""

from autograder.exercises.batched import BATCHED
from autograder.exercises.cost_answers import COSTS
from autograder.exercises.costs import BYTES, FLOPS
from autograder.exercises.fused import FUSED
from autograder.exercises.tiled import TILED
from autograder.exercises.timing import BENCHMARK

LESSON = "06_batched_gpu"
EXERCISES = (BENCHMARK, BATCHED, FLOPS, BYTES, FUSED, TILED, COSTS)
