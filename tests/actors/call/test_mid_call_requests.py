"""What a bot may ask of a call only while it goes on."""

from typing import Any, get_args

import pytest
from callboard.actors.call.state import CallState
from callboard.actors.messages.call import CallActorMessage, CallOver, MidCallRequest
from callboard.tests.actors.call.scene import Scene, Way, closing, ended, leaving
from callboard.tests.conftest import Run

pytestmark = pytest.mark.usefixtures("staged")

REQUESTS = [one for one in get_args(CallActorMessage) if issubclass(one, MidCallRequest)]


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize(
    ("state", "reach", "says"),
    [
        (CallState.LEAVING, leaving, r"the call is over \(its media are closed\)$"),
        (CallState.CLOSING, closing, r"the call is over \((cancel|success)"),
        (CallState.ENDED, ended, r"the call is over \((cancel|success)"),
    ],
)
def test_a_call_that_is_over_refuses_each(
    run: Run, state: CallState, reach: Way, request_: Any, says: str
) -> None:
    async def main() -> None:
        scene = Scene()
        await reach(scene)
        assert await scene.state() is state
        # It is refused before anybody looks at what is asked, so nothing need be in it.
        nothing = request_(*[None] * len(request_.__match_args__))
        with pytest.raises(CallOver, match=rf"^desk@localhost [→←] alice@localhost: {says}"):
            await scene.call.ask(nothing, block=False)
        scene.call.kill()
        await scene.end()

    run(main, loop="virtual")
