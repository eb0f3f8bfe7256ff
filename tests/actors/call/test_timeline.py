from callboard.actors.call.timeline import Timeline


def test_a_step_is_taken_once_and_in_order() -> None:
    timeline = Timeline()
    assert timeline.take("propose")
    assert not timeline.take("propose")
    reported = timeline.steps()
    assert timeline.take("ringing")
    assert list(reported) == ["propose"]
    assert list(timeline.steps()) == ["propose", "ringing"]
    times = list(timeline.steps().values())
    assert times == sorted(times)
    assert times[0] >= 0
    assert timeline.at("ringing") is not None
    assert timeline.at("accept") is None


def test_nothing_happens_after_the_end() -> None:
    timeline = Timeline()
    assert timeline.take("proceed")
    assert timeline.take("ended")
    assert not timeline.take("dtls")
    assert list(timeline.steps()) == ["proceed", "ended"]
    assert timeline.steps() is timeline.steps()


def test_the_time_of_the_first_step_that_was_taken() -> None:
    timeline = Timeline()
    assert timeline.at("proceed", "accept") is None
    timeline.take("accept")
    at = timeline.at("proceed", "accept")
    assert at == timeline.began + timeline.steps()["accept"]


def test_connected_seconds_stand_still_after_the_end() -> None:
    timeline = Timeline()
    assert timeline.connected_seconds() == 0.0
    timeline.take("dtls")
    first = timeline.connected_seconds()
    assert 0.0 <= first <= timeline.connected_seconds()
    timeline.take("ended")
    steps = timeline.steps()
    assert timeline.connected_seconds() == steps["ended"] - steps["dtls"]
