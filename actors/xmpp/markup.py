"""Elements as the text that goes into a stream (RFC 6120 §4.8, XML 1.0)."""

import re
from xml.etree.ElementTree import Element

from .stanza import CLIENT

_XML = "http://www.w3.org/XML/1998/namespace"
_SPECIAL = re.compile("[&<>\"'\t\n\r]")
#: White space too: in an attribute a reader would make spaces of it (XML 1.0 §3.3.3), and a lone
#: carriage return would become a line feed anywhere (§2.11).
_ESCAPES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "'": "&apos;",
        "\t": "&#9;",
        "\n": "&#10;",
        "\r": "&#13;",
    }
)


class Written(Element):
    """What a stanza will contain, with its text, which is written before the stanza is.

    Nobody changes it.

    Args:
        element: what it is; their children are the same.
    """

    def __init__(self, element: Element) -> None:
        super().__init__(element.tag, element.attrib)
        self.text = element.text
        self.extend(element)
        self.written = markup(element)


def escape(text: str) -> str:
    """Return a text as it may stand in an element or an attribute."""
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text


def markup(element: Element, namespace: str = CLIENT) -> str:
    """Write an element.

    Args:
        element: with names as `xml.etree` has them: ``{namespace}name``.
        namespace: the default one where it is put; that of stanzas by default.
    """
    parts: list[str] = []
    _write(element, namespace, parts)
    return "".join(parts)


def _write(element: Element, outer: str, parts: list[str]) -> None:
    namespace, _, name = element.tag.rpartition("}")
    namespace = namespace[1:]
    parts.append(f"<{name}" if namespace == outer else f"<{name} xmlns='{escape(namespace)}'")
    for number, (attribute, value) in enumerate(element.items()):
        home, _, key = attribute.rpartition("}")
        if not home:
            parts.append(f" {key}='{escape(value)}'")
        elif home[1:] == _XML:
            parts.append(f" xml:{key}='{escape(value)}'")
        else:
            parts.append(f" xmlns:a{number}='{escape(home[1:])}' a{number}:{key}='{escape(value)}'")
    if not len(element) and not element.text:
        parts.append("/>")
        return
    parts.append(">")
    if element.text:
        parts.append(escape(element.text))
    for child in element:
        if type(child) is Written and namespace == CLIENT:
            parts.append(child.written)
        else:
            _write(child, namespace, parts)
        if child.tail:
            parts.append(escape(child.tail))
    parts.append(f"</{name}>")
