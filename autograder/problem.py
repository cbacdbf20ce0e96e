"""The one error that is told to a person in its own words, and never with a traceback."""


class Problem(Exception):
    """Something a person can mend: the message says what is wrong and what to do."""
