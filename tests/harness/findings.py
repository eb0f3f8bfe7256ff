"""What the harness has found wrong with the running test, from whatever thread it was found."""

_findings: list[str] = []


def report(finding: str) -> None:
    """Note a sentence that will fail the running test."""
    if finding not in _findings:
        _findings.append(finding)


def take() -> list[str]:
    """Give what was noted since the last call."""
    taken = _findings[:]
    _findings.clear()
    return taken
