"""Every code of the log has a row in the table of reasons, every row has a code, and each row says what to do."""

import importlib.util
import re
from types import ModuleType
from typing import get_args

import pytest

from gateway.observe import NAMES
from gateway.observe.reasons import CAUSES, EVENTS, GROUPS, REASONS, level_of
from gateway.oidc.org_client import TOKEN_ERRORS
from gateway.pages.remedies import BY_REASON
from gateway.policy.oidc.bounces import AUTHORIZE_ERRORS, Prompt
from gateway.policy.oidc.id_tokens import IdTokenProblem
from tests.deploy.objects import DEPLOY
from tests.observe import codes_in_source

BUILT = {
    "nobody": "NOBODY_MAY, which is compared too",
    "step_up_amr": "f-string of the page",
    "step_up_authenticated_within": "f-string of the page",
    "codes_of_one_client": "of a bounce's Unclear",
    "client_gone": "said of a relay by assignment",
    "cookies_blocked": "a page of its own",
    "going_away": "a word for a close code of WebSockets",
    "message_too_large": "a word for a close code of WebSockets",
    "sign_in_without_event": "handed to HookWatch.lost",
    "unreadable_event": "handed to HookWatch.lost",
    "state_away": "of HookWatch's own notes",
}
"""Reasons that are put together where no literal shows them."""
ASSEMBLED = {
    "form_": {"nobody", "same", "other"},
    "id_token_": set(get_args(IdTokenProblem)),
    "prompt_": {*get_args(Prompt)} - {""},
    "token_": TOKEN_ERRORS | {"refused"},
    "": {"address_missing", "user_agent_missing"},
}
"""The reasons that are put together from a beginning and one of these words. ``""``: the words are whole. "form_lost_" is beside them."""
EXPLAINED = {"cut_short:", "upstream_", "status_"}
"""Beginnings that the head of the document explains: behind them stands another reason, or a status."""
TOLD_BY_NAME = {"hook_ended_sessions", "hook_asks_again", "okta_rate_low", "okta_rate_recovered", "app_signed_out", "log_lines_lost"}
"""Events whose name is put together, or chosen before it is told."""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """deploy/troubleshooting.py, which is in no package."""
    spec = importlib.util.spec_from_file_location("troubleshooting", DEPLOY / "troubleshooting.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_reason_of_the_source_has_a_row() -> None:
    assert {code: where for code, where in codes_in_source.reasons().items() if code not in REASONS} == {}


def test_every_reason_that_is_put_together_has_a_row() -> None:
    assert codes_in_source.assembled_reasons() == set(ASSEMBLED) | {"form_lost_"} | EXPLAINED
    assert assembled() | AUTHORIZE_ERRORS <= set(REASONS)


def test_the_document_explains_the_beginnings_that_have_no_rows(script: ModuleType) -> None:
    assert [begin for begin in EXPLAINED if f"`{begin}X`" not in script.text()] == []


def assembled() -> set[str]:
    words_of = {**ASSEMBLED, "form_lost_": codes_in_source.words_given_to("_lost_here")}
    return {begin + word for begin, words in words_of.items() for word in words}


def test_every_row_is_of_a_reason_that_the_source_gives() -> None:
    assert set(REASONS) - set(codes_in_source.reasons()) - set(BUILT) - assembled() - AUTHORIZE_ERRORS == set()


def test_every_reason_with_a_page_of_its_own_is_given() -> None:
    """A reason that was renamed in one place would leave its page behind."""
    assert set(BY_REASON) - set(codes_in_source.reasons()) - set(BUILT) == set()


def test_every_event_of_the_source_has_a_row_and_the_other_way_round() -> None:
    found = codes_in_source.events()
    assert {event: where for event, where in found.items() if event not in EVENTS} == {}
    beginnings = tuple(codes_in_source.beginnings())
    assert {event for event in EVENTS if event not in found and not event.startswith(beginnings)} - TOLD_BY_NAME == set()
    assert {begins for begins in beginnings if not any(event.startswith(begins) for event in EVENTS)} == set()


def test_every_cause_of_the_source_has_a_row_and_the_other_way_round() -> None:
    assert codes_in_source.causes() == set(CAUSES)


def test_every_figure_that_is_told_may_stand_in_a_line() -> None:
    assert {name: where for name, where in codes_in_source.figures().items() if name not in NAMES} == {}


def test_no_code_stands_in_two_groups() -> None:
    assert len(REASONS) == sum(map(len, GROUPS.values()))


@pytest.mark.parametrize("row", [*REASONS.items(), *CAUSES.items(), *EVENTS.items()], ids=lambda row: str(row[0]))
def test_a_row_says_what_happened_and_what_to_do(row: tuple[str, object]) -> None:
    code, entry = row
    assert re.fullmatch(r"[a-z0-9_]+", code)
    for words in (getattr(entry, "what"), getattr(entry, "do")):  # noqa: B009 - of two classes
        assert words[:1].isupper() or words[:1] == "`" or words[:1] == "/", code
        assert words.endswith("."), code


def test_an_unknown_event_is_told_at_info() -> None:
    assert (level_of("no_such_event"), level_of("upstream_failed"), level_of("worker_died")) == ("info", "warning", "error")


def test_the_file_is_the_one_that_the_script_makes(script: ModuleType) -> None:
    assert (DEPLOY / "TROUBLESHOOTING.md").read_text(encoding="utf-8") == script.text(), "run: python deploy/troubleshooting.py"
