"""Logs of the libraries: what a person at a terminal sees of them.

In: whether the person asked for more. Out: the levels of loggers that are not ours. Imports the standard library alone.
"""

import logging


def quiet_kafka(*, verbose: bool) -> None:
    """Keep kafka-python's own log out of the way unless `verbose`.

    What matters of it reaches people as an error of ours, with the place and the remedy; kafka-python would tell the
    same ten times over, and calls every retry a warning.
    """
    logging.getLogger("kafka").setLevel(logging.INFO if verbose else logging.CRITICAL)
