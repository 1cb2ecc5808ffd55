"""What follows from Okta's events, in whatever order and however often they come."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.hooks.okta_events import (
    ASKS,
    BEGINS,
    ENDS,
    LARGEST_DELIVERY_BYTES,
    LONGEST_SOURCE,
    MOST_USERS,
    SKEW_SECONDS,
    Consequences,
    EventDelivery,
    consequences,
    read_delivery,
)
from gateway.policy.http.messages import Malformed
from tests.policy.hooks.events import PUBLISHED, delivery, event

NOTHING = Consequences({}, frozenset(), {})
LATER = PUBLISHED + 3600.0


def read(body: bytes) -> EventDelivery:
    found = read_delivery(body)
    assert isinstance(found, EventDelivery)
    return found


def follows(*events: object) -> Consequences:
    return consequences(read(delivery(*events)), LATER)


@pytest.mark.parametrize("kind", sorted(ENDS))
def test_an_event_that_ends_sessions_ends_those_of_its_target_that_began_before(kind: str) -> None:
    assert follows(event(kind, actor="00admin", target="00alice")) == Consequences({"00alice": PUBLISHED}, frozenset({"00admin"}), {})


@pytest.mark.parametrize("kind", sorted(ENDS))
def test_without_a_user_as_target_it_is_about_the_actor(kind: str) -> None:
    assert follows(event(kind, actor="00alice")) == Consequences({"00alice": PUBLISHED}, frozenset(), {})


@pytest.mark.parametrize("kind", sorted(ASKS))
def test_a_session_s_end_and_a_risk_only_ask_again(kind: str) -> None:
    assert follows(event(kind, actor="00alice")) == Consequences({}, frozenset({"00alice"}), {})


def test_a_failed_attempt_ends_nothing_and_asks_again() -> None:
    assert follows(event("user.account.update_password", actor="00alice", result="FAILURE")) == Consequences({}, frozenset({"00alice"}), {})


def test_a_lock_is_the_outcome_of_failures_and_ends_sessions_all_the_same() -> None:
    assert follows(event("user.account.lock", actor="00alice", result="FAILURE")).ends == {"00alice": PUBLISHED}


def test_a_sign_in_shows_who_began_and_a_failed_one_does_not() -> None:
    assert follows(event("user.session.start", actor="00alice")) == Consequences({}, frozenset(), {"00alice": PUBLISHED})
    assert follows(event("user.session.start", actor="00alice", result="FAILURE")) == NOTHING


def test_other_events_are_ignored() -> None:
    assert follows(event("user.account.update_profile", actor="00alice")) == NOTHING
    assert read(delivery(event("system.log", actor=""))).unreadable == 0


def test_an_end_from_the_future_counts_as_one_of_now() -> None:
    assert consequences(read(delivery(event("user.session.clear", LATER * 2, actor="00a"))), LATER).ends == {"00a": LATER + SKEW_SECONDS}


def test_an_end_from_before_1970_is_one_of_then_which_others_can_be_told() -> None:
    assert consequences(read(delivery(event("user.session.clear", -1e9, actor="00a"))), LATER).ends == {"00a": 0.0}


EVENT_TYPES = (*sorted(BEGINS), *sorted(ASKS), *sorted(ENDS))
kinds = st.sampled_from(EVENT_TYPES)
users = st.sampled_from(["00alice", "00bob", "00carol", ""])
events = st.builds(
    lambda kind, after, actor, target, result: event(kind, PUBLISHED + after, actor=actor, target=target, result=result),
    kinds,
    st.integers(0, 1800),
    users,
    users,
    st.sampled_from(["SUCCESS", "FAILURE", "UNKNOWN"]),
)


@given(st.lists(events, max_size=8), st.randoms())
def test_order_and_repetition_change_nothing(several: list[object], chance: Random) -> None:
    mixed = [*several, *several]
    chance.shuffle(mixed)
    assert follows(*mixed) == follows(*several)


@given(st.lists(events, max_size=8))
def test_nobody_is_ended_but_by_an_event_that_names_them_and_never_later_than_it(several: list[dict[str, object]]) -> None:
    found = follows(*several)
    for user_id, before in found.ends.items():
        about = [one for one in several if one["eventType"] in ENDS and user_id in json.dumps(one)]
        assert about
        assert before <= PUBLISHED + 1800
    assert not found.asks & set(found.ends)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"[]", "no_event_hook"),
        (b'{"eventType":"com.okta.inline"}', "no_event_hook"),
        (b'{"eventType":"com.okta.event_hook","eventId":"e"}', "incomplete_event_hook"),
        (b'{"eventType":"com.okta.event_hook","eventId":"","data":{"events":[]}}', "incomplete_event_hook"),
        (b'{"eventType":"com.okta.event_hook","eventId":"e","data":{"events":{}}}', "incomplete_event_hook"),
        (b'{"eventType":"com.okta.event_hook","eventId":7,"data":{"events":[]}}', "incomplete_event_hook"),
    ],
)
def test_what_is_no_delivery_is_refused(body: bytes, reason: str) -> None:
    assert read_delivery(body) == Malformed(400, reason)


def test_the_older_spelling_of_the_id_is_read() -> None:
    body = delivery(event_id="one").replace(b'"eventId"', b'"eventID"')
    assert read(body).id == "one"


def test_the_events_are_in_the_order_of_their_times() -> None:
    found = read(delivery(event("user.session.end", PUBLISHED + 5, actor="00b"), event("user.session.end", PUBLISHED, actor="00a")))
    assert [one.actor for one in found.events] == ["00a", "00b"]


@pytest.mark.parametrize(
    "broken",
    [
        None,
        7,
        [],
        {"eventType": "user.session.end"},
        {"published": "2026-11-20T09:00:00.000Z"},
        event("user.session.end") | {"published": "yesterday"},
        event("user.session.clear") | {"actor": None, "target": "x"},
        event("user.session.clear") | {"actor": {"type": "User", "id": ""}},
        event("user.session.clear") | {"actor": {"type": "User", "id": "ü"}},
        event("user.session.clear") | {"actor": {"type": 3, "id": "00a"}},
    ],
)
def test_an_event_that_cannot_be_read_is_counted(broken: object) -> None:
    found = read(delivery(broken, event("user.session.end", actor="00alice")))
    assert (found.unreadable, len(found.events)) == (1, 1)


def test_a_delivery_names_a_bounded_number_of_users() -> None:
    many = [event("user.session.end", actor=f"00{number}") for number in range(MOST_USERS + 1)]
    assert read_delivery(delivery(*many)) == Malformed(413, "too_many_users")


@pytest.mark.parametrize(
    ("source", "host"),
    [
        ("https://Example.okta.com/api/v1/eventHooks/who1", "example.okta.com"),
        ("http://127.0.0.1:8081/x", "127.0.0.1"),
        ("example.okta.com", ""),
        ("https://[::1", ""),
        ("https://" + "x" * LONGEST_SOURCE, ""),
        (None, ""),
        (7, ""),
    ],
)
def test_a_delivery_says_which_org_sends_it(source: object, host: str) -> None:
    assert read(delivery(source=source)).host == host


def test_a_hundred_large_events_fit_into_one_delivery() -> None:
    large = event("user.session.clear", actor="00alice") | {"debugContext": {"debugData": {"requestUri": "x" * 9000}}}
    assert len(delivery(*[large] * 100)) <= LARGEST_DELIVERY_BYTES


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_any_json_is_read_or_refused(content: object) -> None:
    assert isinstance(read_delivery(json.dumps(content).encode()), EventDelivery | Malformed)
    assert isinstance(read_delivery(delivery(content)), EventDelivery | Malformed)


def test_the_three_lists_hold_each_type_once() -> None:
    assert len(EVENT_TYPES) == len(set(EVENT_TYPES)) == len(BEGINS) + len(ASKS) + len(ENDS)
