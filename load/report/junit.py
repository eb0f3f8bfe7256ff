"""``junit.xml``: the thresholds as test cases, for continuous integration."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ..run.verdict import Status, Verdict, shown


def junit(name: str, seconds: float, verdict: Verdict) -> str:
    """Write a verdict as JUnit XML, as Jenkins, GitLab and GitHub read it.

    Args:
        name: of the plan.
        seconds: how long the run took.
        verdict: how it ended.
    """
    cases = len(verdict.checks) + 1
    suite = Element(
        "testsuite",
        name=name,
        tests=str(cases),
        failures=str(len(verdict.breached)),
        errors=str(int(verdict.status is Status.ABORTED)),
        time=f"{seconds:.1f}",
    )
    run = SubElement(suite, "testcase", classname=name, name="the run", time=f"{seconds:.1f}")
    if verdict.status is Status.ABORTED:
        SubElement(run, "error", message=_clean(verdict.sentence))
    for check in verdict.checks:
        case = SubElement(suite, "testcase", classname=name, name=_clean(check.text), time="0")
        if not check.held:
            SubElement(case, "failure", message=f"measured: {shown(check.value, check.unit)}")
    if verdict.warnings:
        SubElement(suite, "system-out").text = _clean("\n".join(verdict.warnings))
    indent(suite)
    body = tostring(suite, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _clean(text: str) -> str:
    """Leave out what XML 1.0 cannot hold."""
    return "".join(one for one in text if one.isprintable() or one == "\n")
