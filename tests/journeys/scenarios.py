"""Strategies for generated scenarios: the org's engine and quirks, and random steps of users, attackers, the org and an operator.

Owns how often each kind of step happens. ``one_user`` says what each step does.
"""

from dataclasses import dataclass

from hypothesis import strategies as st

from gateway.dev.standin import Engine, User
from tests.harness.person import EVIL, HR, LOGIN, PORTAL
from tests.journeys.one_user import ENDS, EVENTS, LURES, MALLORY, SIGN_INS, USERS, VISITS, Act, AtOnce, Step
from tests.journeys.shared_memory import ReplicaRouting

QUIRKS = ("delete-404-leaves-sid", "idx-rotates", "sid-noise")
OFTEN = (*SIGN_INS, *SIGN_INS, *LURES, *LURES, "enters", "enters", "signs_in", "is_lured", "visits", "visits", "visits", "browses")
SELDOM = (*VISITS, *ENDS, *EVENTS, "weather_turns")
TOGETHER = (*SIGN_INS, *LURES, *VISITS, "enters", "visits", "signs_out_at_the_app", "signs_out_at_login")
PEOPLE = tuple(User(login, "correct-horse") for login in (*USERS, MALLORY))
TRUSTED = (LOGIN, HR, PORTAL, EVIL)


@dataclass(frozen=True)
class StartingState:
    """What the day begins with."""

    engine: Engine = "identity"
    quirks: tuple[str, ...] = ()


def acts(*names: str) -> st.SearchStrategy[Act]:
    """One of these things, by either browser."""
    return st.builds(Act, st.sampled_from(names), st.sampled_from((0, 0, 0, 1)), st.sampled_from(USERS), st.integers(0, 7))


def scenarios(*together: str) -> st.SearchStrategy[list[Step]]:
    """Two to seven steps. ``together``: what may happen while something else does."""
    alone, delays = acts(*OFTEN, *SELDOM), st.lists(st.sampled_from((0.0, 0.3, 2.0, 7.0)), min_size=1, max_size=5).map(tuple)
    at_once = st.builds(AtOnce, st.lists(acts(*together), min_size=2, max_size=3).map(tuple), delays)
    return st.lists(st.one_of(alone, alone, alone, at_once), min_size=2, max_size=7)


STEPS = scenarios(*TOGETHER)
STEPS_WITH_DEATHS = scenarios(*TOGETHER, "is_killed")
ENGINES: st.SearchStrategy[Engine] = st.sampled_from(("identity", "classic"))
WORLDS = st.builds(StartingState, ENGINES, st.lists(st.sampled_from(QUIRKS), unique=True, max_size=3).map(tuple))
REPLICAS = st.builds(
    ReplicaRouting,
    st.just(3),
    st.one_of(st.just((0, 1, 2)), st.lists(st.integers(0, 2), min_size=1, max_size=9).map(tuple)),
    st.sampled_from((0.0, 0.003)),
    st.sampled_from((0.0, 0.004)),
)
