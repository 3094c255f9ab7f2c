"""What a user can mend: each error is one plain sentence, and the command line prints just that."""


class MonitorError(Exception):
    """Something the user can act on; its text names what is wrong, where, and what to do."""
