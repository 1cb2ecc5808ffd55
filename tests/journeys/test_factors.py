"""A user who gives the missing factor is signed in at once: the next request reaches the app, without a page in between."""

import pytest

from gateway.dev.standin import Engine
from tests.harness.person import ALICE
from tests.journeys.one_user import Act
from tests.journeys.scenarios import StartingState
from tests.journeys.scenarios_in_memory import lived
from tests.journeys.shared_memory import ReplicaRouting


@pytest.mark.parametrize("engine", ["classic", "identity"])
@pytest.mark.parametrize("replicas", [ReplicaRouting(1), ReplicaRouting(3, (0, 1, 2, 1, 0))], ids=["one process", "three"])
@pytest.mark.parametrize("how", [0, 1, 3], ids=["a password", "a provider", "a token"])
@pytest.mark.parametrize("visits", [0, 1, 2])
def test_who_has_shown_the_factor_gets_in_at_once(engine: Engine, replicas: ReplicaRouting, how: int, visits: int) -> None:
    """However often the person was at the app before: what was said of the session then is remembered for two seconds."""
    waiting = (Act("signs_in_without_factor", how=how), *(Act("visits"),) * visits)
    person = lived(StartingState(engine), (*waiting, Act("shows_a_factor"), Act("visits")), replicas).browsers[0].person
    assert person.told[:1] == [ALICE]
