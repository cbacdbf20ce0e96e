"""Lesson 6: attention in batches, its cost, the library's, tile by tile, and how to time it."""

from autograder.exercises.batched import BATCHED
from autograder.exercises.costs import BYTES, FLOPS
from autograder.exercises.fused import FUSED
from autograder.exercises.tiled import TILED
from autograder.exercises.timing import BENCHMARK

LESSON = "06_batched_gpu"
EXERCISES = (BATCHED, FLOPS, BYTES, FUSED, TILED, BENCHMARK)
