"""The reference implementations of the course: one module a lesson, numpy and torch only.

Import what you need: ``from solutions.queries_keys_values import attention``.
"""
