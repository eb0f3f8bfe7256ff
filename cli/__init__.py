"""The commands."""


def main() -> None:
    """Run the ``callboard`` command."""
