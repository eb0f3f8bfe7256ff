"""What the live tests show on Prosody, they show on ejabberd: calls, and what calls need."""

from contextlib import suppress
from pathlib import Path

from callboard.tests.conftest import Run
from callboard.tests.ejabberd import server
from callboard.tests.ejabberd.server import Ejabberd
from callboard.tests.live import (
    test_calls,
    test_devices,
    test_login,
    test_messages,
    test_mishaps,
    test_presence,
)
from callboard.tests.live.stage import ALICE, BOB, staged

test_calls_connect = test_calls.test_a_call_connects_media_flows_and_both_sides_hang_up
test_either_side_hangs_up = test_calls.test_either_side_hangs_up
test_declining = test_calls.test_a_bot_declines_a_call_that_rings
test_retracting = test_calls.test_the_caller_retracts_while_it_rings
test_two_calls_at_once = test_calls.test_two_calls_at_once_do_not_mix
test_mute_and_hold = test_calls.test_mute_and_hold_are_told_to_the_peer

test_other_devices_stop_ringing = test_devices.test_a_device_stops_ringing_when_another_one
test_other_devices_are_told = test_devices.test_the_other_devices_are_told_when_the_bot_answers
test_tie_break = test_devices.test_of_two_calls_at_once_between_the_same_two_one_stands

test_resumption_in_a_call = test_mishaps.test_a_call_goes_on_while_its_account_resumes_its_stream
test_resumption_while_ringing = (
    test_mishaps.test_a_call_that_rings_connects_after_a_lost_stream_is_resumed
)
test_no_resumption = (
    test_mishaps.test_a_stream_that_can_not_be_resumed_is_opened_anew_and_the_call_goes_on
)
test_nobody_there = test_mishaps.test_calling_somebody_who_is_not_there_leaves_a_record

test_refused_login = test_login.test_a_refused_login_has_one_joint_remedy_and_the_others_go_on
test_untrusted_certificate = test_login.test_a_certificate_that_is_not_trusted_ends_the_login
test_many_logins = test_login.test_twenty_accounts_log_in_at_once

test_echo = test_messages.test_echo_replies_with_the_same_words_to_the_full_jid
test_carbons = test_messages.test_carbons_own_copies_errors_and_groups_are_no_messages_for_the_bot

test_own_presence = test_presence.test_presence_is_what_the_settings_say_and_the_bot_changes_it
test_subscriptions = test_presence.test_subscriptions_are_accepted_by_pattern_and_refused_otherwise
test_roster_requests = test_presence.test_listed_peers_are_asked_and_their_changes_reach_the_bot
test_roster_pushes = test_presence.test_a_stranger_can_not_change_the_roster
test_capabilities = test_presence.test_capabilities_show_the_call_buttons_and_their_hash_is_right


def test_it_is_ejabberd(run: Run, tmp_path: Path, ejabberd: Ejabberd) -> None:
    """The accounts are at its port, and it is one of a kind."""

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            assert stage.prosody.port == ejabberd.port

    run(main)


def test_it_listens_on_loopback_alone_and_leaves_nothing(tmp_path: Path) -> None:
    with server.running() as other:
        pid = other.pid
        links = set()
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed since it was listed
                links.add(str(link.readlink()))
        listening = [
            line.split()[1]
            for name in ("tcp", "tcp6")
            for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
            if line.split()[3] == "0A" and f"socket:[{line.split()[9]}]" in links
        ]
        assert listening == [f"0100007F:{other.port:04X}"]
    assert not other.certificate.parent.exists()
    assert not Path(f"/proc/{pid}").exists()
