"""Two legs that talk to each other over Jingle sessions, for the tests of running calls."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from xml.etree.ElementTree import Element

from callboard.jingle import (
    Accepted,
    CandidatesReceived,
    ContentAccepted,
    ContentAdded,
    IceRestarted,
    Initiated,
    Role,
    Session,
)
from callboard.media import ClockPattern, Connected, Source, Tone
from callboard.tests.harness.loops import lateness
from callboard.tests.media.legs import Leg

ALICE, BOB = "alice@example.org/a", "bob@example.org/b"
GROUP = "{urn:xmpp:jingle:apps:grouping:0}group"


class Party:
    """A leg with its Jingle session."""

    def __init__(self, role: Role) -> None:
        self.leg = Leg()
        self.session = Session(role, "s", initiator=ALICE, responder=BOB)

    async def hear(self, *stanzas: Element) -> list[Element]:
        """Take transport-infos as a call does; gives those that answer them."""
        answers: list[Element] = []
        for stanza in stanzas:
            for event in self.session.receive(stanza):
                if isinstance(event, IceRestarted):
                    sdp = await self.leg.pc.restart_ice(event.description)
                    answers += self.session.restart(sdp, answer=True)
                elif isinstance(event, CandidatesReceived):
                    for each in event.candidates:
                        await self.leg.pc.add_candidate(each.sdp_mid or "", each.to_sdp())
        return answers


@asynccontextmanager
async def jingle_call(
    *,
    bundled: bool = True,
    video: Source | None = None,
    back_video: Source | None = None,
    data: bool = False,
) -> AsyncIterator[tuple[Party, Party]]:
    """A call over two Jingle sessions, connected."""
    a, b = Party(Role.INITIATOR), Party(Role.RESPONDER)
    initiate = a.session.initiate(await a.leg.pc.offer(audio=Tone(440), video=video, data=data))
    if not bundled:
        for group in initiate.findall(GROUP):
            initiate.remove(group)
    [initiated] = b.session.receive(initiate)
    assert isinstance(initiated, Initiated)
    answer = await b.leg.pc.answer(initiated.offer, audio=Tone(1000), video=back_video)
    accept = b.session.accept(answer)
    assert bool(accept.findall(GROUP)) == bundled
    [accepted] = a.session.receive(accept)
    assert isinstance(accepted, Accepted)
    await a.leg.pc.accept(accepted.answer)
    await a.leg.event(Connected)
    await b.leg.event(Connected)
    try:
        yield a, b
    finally:
        await a.leg.pc.close()
        await b.leg.pc.close()


async def add_video(a: Party, b: Party, back: Source | None) -> None:
    """Let one side add video, and the other accept it."""
    offer = await a.leg.pc.offer_more(video=ClockPattern())
    [added] = b.session.receive(a.session.add_contents(offer))
    assert isinstance(added, ContentAdded)
    answer = await b.leg.pc.answer(added.offer, audio=None, video=back)
    [accepted] = a.session.receive(b.session.accept_contents(answer))
    assert isinstance(accepted, ContentAccepted)
    await a.leg.pc.accept(accepted.answer)


def credentials(sdp: str) -> set[str]:
    """The ufrags of a description."""
    return set(re.findall(r"a=ice-ufrag:(\S+)", sdp))


def check_unbroken(leg: Leg) -> None:
    """Nothing of the audio is lost, and its RTP clock leaves out less than a second.

    (What a busy machine holds up is left out by whoever sends: that is no fault of a negotiation,
    after which media that stopped would not come back by themselves.)
    """
    steps = [later.timestamp - earlier.timestamp for earlier, later in pairwise(leg.seen("audio"))]
    assert leg.statistics("audio").lost == 0
    assert max(steps) < 48000 * (1 + lateness())
