"""What it means that there is no connection to a server, or none with TLS."""

import socket
import ssl

from .stream_end import Remedy, StreamEnd


def tls_broken(error: object) -> StreamEnd | None:
    """Return what a fault in TLS means where the server has said that it speaks it.

    Its address and its kind of TLS are right then. Only its certificate may not be.

    Args:
        error: what was raised.

    Returns:
        None if it is another fault.
    """
    if not isinstance(error, ssl.SSLError) or isinstance(error, ssl.SSLCertVerificationError):
        return None
    return StreamEnd(f"the server failed in TLS ({error.reason or error}): look at its log")


def unreachable(error: object, host: str, port: int | None) -> StreamEnd:
    """Return what an attempt to connect came to.

    Args:
        error: what was raised, a text if a name has no address, or None if nobody knows.
        host: the server's, or the account's domain.
        port: the server's; None if the domain's records were to tell it.
    """
    at = f" ({host}, port {port})" if port else ""
    match error:
        case ssl.SSLCertVerificationError():
            return StreamEnd(
                f"the server's certificate is not trusted ({error.verify_message}): "
                "set server.ca to the PEM file of its authority",
                Remedy.CHECK,
            )
        case ssl.SSLError():
            return StreamEnd(
                f"TLS failed ({error.reason or error}): check server.port and server.tls",
                Remedy.CHECK,
            )
        case ConnectionRefusedError():
            return StreamEnd(
                f"nothing listens at the server's address{at}: check server.host and server.port, "
                "and that the server runs"
            )
        case socket.gaierror() | str():
            where = "check server.host" if port else "check the JID, or set server.host"
            return StreamEnd(f"the host {host} is unknown to the DNS: {where}")
        case ConnectionResetError() | BrokenPipeError() | EOFError():
            # It is there, and takes what we begin with for nonsense: TLS where it wants STARTTLS.
            return StreamEnd(
                f"the server{at} hangs up at once ({words(error)}): "
                "check server.port and server.tls, and the server's log"
            )
        case Exception():
            return StreamEnd(f"the server{at} can't be reached ({words(error)}): check server.host")
    return StreamEnd(f"the server{at} can't be reached: check server.host")


def words(error: Exception) -> str:
    """Return an error's own words, or its name if it has none."""
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
