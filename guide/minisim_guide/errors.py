"""The one error that reaches the reader of a terminal."""


class GuideError(Exception):
    """Something the reader can put right; the message is a sentence that says what and how."""
