"""What Okta set is known by its value: because it passed through here, because Okta named its user, or because it is revoked."""

from tests.sessions.scripted import ALICE, BROWSER, IDX, OTHER, SID, memory


async def test_a_value_that_okta_named_a_user_for_is_oktas() -> None:
    m = memory()
    assert not m.sessions.is_oktas(SID[0].value)
    m.org.now = ALICE
    await m.sessions.current(SID, BROWSER)
    assert m.sessions.is_oktas(SID[0].value) and not m.sessions.is_oktas(IDX[0].value)
    m.times.passed = 100_000.0
    assert m.sessions.is_oktas(SID[0].value), "what has ended is still Okta's"


async def test_a_value_that_passed_through_here_is_oktas() -> None:
    m = memory()
    m.sessions.note_set((b"102new", b"DI1device"))
    assert [m.sessions.is_oktas(value) for value in (b"102new", b"DI1device", b"DI1devic", b"")] == [True, True, False, False]
    m.sessions.issued(OTHER)
    assert m.sessions.is_oktas(OTHER[0].value)


async def test_a_revoked_value_is_oktas() -> None:
    m = memory()
    await m.sessions.revoke(IDX)
    assert m.sessions.is_oktas(IDX[0].value) and not m.sessions.is_oktas(SID[0].value)
