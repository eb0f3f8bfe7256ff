"""Python values as the Lua text that Prosody reads: its configuration and its data files."""

from collections.abc import Mapping


def to_lua(value: object) -> str:
    r"""Write a value as a Lua expression that can mean nothing else.

    Args:
        value: A bool, int, str, a list or tuple of such, or a mapping from str to such. Strings
            may hold any character: what is not plain ASCII is written as decimal escapes of its
            UTF-8 bytes (Lua 5.4 manual §3.1), so that no quote or line break leaves its string.

    Returns:
        The Lua expression.

    Raises:
        TypeError: The value is of another type.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            plain = (
                chr(byte) if 0x20 <= byte < 0x7F and chr(byte) not in '"\\' else f"\\{byte:03d}"
                for byte in value.encode()
            )
            return f'"{"".join(plain)}"'
        case list() | tuple():
            return "{ " + "".join(f"{to_lua(item)}; " for item in value) + "}"
        case Mapping():
            items = (f"[{to_lua(name)}] = {to_lua(item)}; " for name, item in value.items())
            return "{ " + "".join(items) + "}"
    raise TypeError(f"{type(value).__name__} has no place in Prosody's configuration")
