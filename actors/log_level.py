"""How much is logged, by us and by the libraries."""

import logging


def set_log_level(level: str) -> None:
    """Set how severe a message must be to be logged.

    Libraries speak from warning on. So do actors of what they raised to who asked them: who asked
    may tell. With ``debug``, everybody says everything.

    Args:
        level: debug, info, warning or error.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    quiet = number if number == logging.DEBUG else max(number, logging.WARNING)
    logging.getLogger().setLevel(quiet)
    logging.getLogger("callboard").setLevel(number)
    logging.getLogger("callboard.actors.runtime.actor").setLevel(quiet)
