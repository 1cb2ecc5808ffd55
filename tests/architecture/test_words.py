"""The words of the house: names that say what a thing owns, nothing left for later, nothing of one machine."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.sources import calls, classes, comments, files, nodes, python_files, text

# Said in halves, so that this file does not hold what it looks for.
EMPTY_NAMES = {"common", "context", "data", "helper", "helpers", "info", "manager", "managers", "misc", "util", "utils"}
POSTPONED = re.compile(r"\b(?:" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")
UNFINISHED = re.compile(r"\b(?:st" + r"ub(?:s|bed)?|place" + r"holder implementation|not imple" + r"mented yet)\b", re.IGNORECASE)
REGISTRIES = re.compile("|".join(["py" + r"pi\.org", "python" + r"hosted\.org", "registry\\.np" + r"mjs", r"deb\.deb" + r"ian\.org"]))
MACHINE_PATHS = re.compile(r"(?<![\w.~-])/(?:wo" + r"rk|ro" + r"ot|Us" + r"ers|opt/wh" + r"eels)/")
SPOKEN = re.compile(r"#\s*(type:\s*ignore|noqa|pragma:)", re.IGNORECASE)
DIRECTIVE = re.compile(
    r"type:\s*ignore(\[[\w\-, ]*\])?|noqa(:\s*[A-Z]+\d+([,\s]+[A-Z]+\d+)*)?|pragma:\s*no\s*(cover|branch)", re.IGNORECASE
)
REASON = re.compile(r"[^\W\d_]{2,}\W+[^\W\d_]{2,}")


def _lines(pattern: re.Pattern[str], names: Iterator[str]) -> list[str]:
    """``file:line`` wherever the pattern stands."""
    return [f"{name}:{number}" for name in names for number, line in enumerate(text(name).splitlines(), start=1) if pattern.search(line)]


def _written_here() -> Iterator[str]:
    """What people wrote: not the licence, not what npm wrote down."""
    return (name for name in files() if name != "LICENSE" and not name.endswith("package-lock.json"))


def test_no_file_is_named_for_nothing() -> None:
    vague = [
        name
        for name in files()
        for part in name.split("/")
        if EMPTY_NAMES & set(re.split(r"[_\-.]", part.lower())) and name.startswith(("gateway/", "tests/"))
    ]
    assert vague == []


def test_no_class_is_named_for_nothing() -> None:
    vague = [
        f"{name}:{owner.name}"
        for name in python_files("gateway", "tests")
        for owner in classes(name)
        if EMPTY_NAMES & {word.lower() for word in re.findall(r"[A-Z][a-z]*", owner.name)}
    ]
    assert vague == []


def test_nothing_is_left_for_later() -> None:
    assert _lines(POSTPONED, _written_here()) == []


def test_no_code_is_only_the_shape_of_code() -> None:
    assert _lines(UNFINISHED, iter(python_files("gateway", "tests"))) == []


def test_no_file_names_a_package_registry() -> None:
    assert _lines(REGISTRIES, iter(files())) == []


def test_no_file_names_a_path_of_one_machine() -> None:
    assert _lines(MACHINE_PATHS, iter(files())) == []


def is_explained(comment: str) -> bool:
    """Whether a comment that silences a tool also says why, in two words at least."""
    return SPOKEN.search(comment) is None or REASON.search(DIRECTIVE.sub(" ", comment)) is not None


@pytest.mark.parametrize(
    ("comment", "explained"),
    [
        ("# type: ignore[misc]", False),
        ("# type: ignore[misc]  # the library has no types", True),
        ("# noqa: S105", False),
        ("# noqa: S105, S106", False),
        ("# noqa: BLE001 - the outermost door", True),
        ("# pragma: no cover", False),
        ("# pragma: no cover - only on Windows", True),
        ("# nothing to do with it", True),
    ],
)
def test_the_rule_for_a_silenced_tool_sees_a_missing_reason(comment: str, explained: bool) -> None:
    assert is_explained(comment) is explained


def test_whoever_silences_a_tool_says_why() -> None:
    # This file's own examples are texts, not comments, and are not seen.
    bare = [f"{name}:{line}" for name in python_files("gateway", "tests") for line, said in comments(name) if not is_explained(said)]
    assert bare == []


def _casts(name: str) -> Iterator[ast.Call]:
    return (call for called, call in calls(name) if called in ("cast", "typing.cast"))


def test_whoever_casts_a_type_says_why() -> None:
    bare = []
    for name in python_files("gateway", "tests"):
        spoken = {line for line, _ in comments(name)}
        bare += [f"{name}:{call.lineno}" for call in _casts(name) if not spoken & {call.lineno - 1, call.lineno, call.end_lineno}]
    assert bare == []


def _same_classes(*folders: str, programs: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """The names that several classes have, nested ones too, with their files. ``programs``: what is left out."""
    found: dict[str, list[str]] = {}
    for name in python_files(*folders):
        if not name.startswith(programs):
            for node in classes(name):
                found.setdefault(node.name, []).append(name)
    return {name: places for name, places in found.items() if len(places) > 1}


def test_no_class_name_is_given_twice() -> None:
    """The stand-in and the demo are programs of their own."""
    assert _same_classes("gateway", "tests", programs=("gateway/dev/standin/", "gateway/dev/demo/")) == {}


# Names that hid what they were, each with the word that took its place.
HIDDEN = {
    **{"Bouncing": "Bounces", "Confirming": "ConfirmationForm", "LoginRooms": "LoginParts", "OidcRooms": "OidcParts", "OrgWay": "OrgRelay"},
    **{"Redeeming": "RedemptionRequest", "TurnTaken": "LeaseTaken", "Turned": "FormAnswer", "Underway": "InFlightRequests"},
    **{"Unfinished": "UnfinishedWork", "Ended": "ReturnedBounce"},
    **{"Believed": "TrustedProxies", "Carrying": "PendingCookie", "Comer": "Principal", "Counted": "BalancerUse", "Crew": "Supervisor"},
    **{"Crowd": "ClientLimit", "Ending": "SignOutKind", "Familiar": "RememberedHead", "Gate": "PassResolver", "Going": "Admitted"},
    **{"Lasting": "SessionWatcher", "Ledger": "TokenLedger", "Live": "OpenConnections", "Passing": "Forwarding", "Patience": "Deadline"},
    **{"Sending": "Forwarding", "Standing": "ServerHealth", "Told": "HookReply", "Turn": "WriteBatch", "Turns": "BrowserLeases"},
    **{"BadSpelling": "BadSerialization", "ClientTurns": "ClientQueues", "Heard": "ArrivalTimes", "Nameless": "UnnamedSocket"},
    **{"OrgPlace": "OrgAddress", "RedisPlace": "RedisAddress", "Remark": "Problem", "ServerPlace": "AppServer", "Wishes": "DemoOptions"},
    **{"Witness": "AccessRecorder", "Wording": "OutcomeResponses"},
}

# The same for files: a file is named for what it owns, so no form of a verb and no word that only this project used.
HIDDEN_FILES = {
    **{"bouncing": "bounces", "confirming": "confirmation_form", "in_flight": "in_flight_requests", "org_way": "org_relay"},
    **{"looks": "rendering", "manners": "response_fields", "redis_place": "redis_address", "settling": "running"},
    **{"spelling": "serialization", "turns": "client_queues"},
    **{"redeemed": "redemptions", "redeeming": "redeemer", "sender": "login_browser", "switching": "confirmation_form"},
    **{"told": "forward_auth_response", "underway": "in_flight_requests", "unfinished": "unfinished_work", "watching": "hook_watch"},
}


def test_no_file_has_a_name_that_hid_what_it_was() -> None:
    found = {name: HIDDEN_FILES[stem] for name in python_files("gateway") if (stem := name.rpartition("/")[2][:-3]) in HIDDEN_FILES}
    assert found == {}


def test_no_class_has_a_name_that_hid_what_it_was() -> None:
    found = {
        f"{name}: {node.name}": HIDDEN[node.name]
        for name in python_files("gateway")
        for node in nodes(name)
        if isinstance(node, ast.ClassDef) and node.name in HIDDEN and "/dev/demo/" not in name
    }
    assert found == {}


# The same for functions, methods, attributes, arguments and local variables. Three words of that kind are not here, because each means one
# thing: ``line`` is a line of text, ``owner`` is the user of the owner cookie or the holder of a lease, ``hop`` is the word of RFC 9110.
HIDDEN_WORDS = {
    **{"among": "one_of", "apart": "separate", "around": "wrapper", "asked": "parameters", "at_once": "concurrent", "began": "started_at"},
    **{"believed": "trusted", "brief": "in_flight", "carrying": "pending_cookie", "comer": "principal", "counted": "count"},
    **{"crew": "supervisor", "crowd": "client_limit", "ending": "sign_out", "familiar": "remembered", "farewell": "close"},
    **{"filled": "template", "front": "proxy", "gate": "pass_resolver", "going": "admitted", "good": "valid_until", "hand": "worker"},
    **{"in_time": "cancel", "keeper": "supervisor", "lasting": "long_lived", "ledger": "token_ledger", "live": "open_connections"},
    **{"neighbour": "client_signature", "notes": "details", "on_time": "on_timeout", "passage": "request", "passing": "forwarding"},
    **{"patience": "wait_seconds", "place_of": "network_of", "post": "publish", "presented": "received", "recalled": "cached"},
    **{"refused": "refusal", "sending": "upload_task", "standing": "state", "successors": "rotated", "told": "reported"},
    **{"kin": "family", "turn": "lock", "turns": "leases", "witness": "access_recorder", "wording": "responses"},
}

# A file or folder, and the words that are right there.
RIGHT_IN = {
    "gateway/config/model.py": {"patience"},  # a key of the configuration has the name that operators know
    "gateway/dev/demo/": {"front", "live"},  # the front page of a site, and its live view
}


def _given_names(name: str) -> Iterator[tuple[str, int]]:
    """(name, line) of each function, argument, attribute and variable that a file gives a name to."""
    for node in nodes(name):
        match node:
            case ast.FunctionDef(name=given, lineno=line) | ast.AsyncFunctionDef(name=given, lineno=line):
                yield given, line
            case ast.arg(arg=given, lineno=line) | ast.Name(id=given, ctx=ast.Store(), lineno=line):
                yield given, line
            case ast.Attribute(attr=given, ctx=ast.Store(), lineno=line):
                yield given, line
            case ast.MatchAs(name=str(given), lineno=line) | ast.MatchStar(name=str(given), lineno=line):
                yield given, line


def test_no_function_or_variable_has_a_name_that_hid_what_it_was() -> None:
    found = {}
    for name in python_files("gateway"):
        right = {word for place, words in RIGHT_IN.items() if name.startswith(place) for word in words}
        for given, line in _given_names(name):
            word = given.strip("_").lower()
            if word in HIDDEN_WORDS and word not in right:
                found[f"{name}:{line}: {given}"] = HIDDEN_WORDS[word]
    assert found == {}
