"""Windows: another spelling of a name is bound by the rule for the name, or refused."""

from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.policy.http.messages import Authority, Malformed
from gateway.policy.http.paths import ODD, case_folded, is_plain, normalised, readings
from gateway.policy.http.windows_paths import is_read_apart, windows_readings
from gateway.policy.routing.routing import Access, App, Rule, rule_of_path

ALICE, BOB = "alice@example.com", "bob@example.com"
HERE = ("https://hr.example.com", Authority("hr.example.com", 443))

ADMIN = Rule("/admin/**", Access.SESSION, users=frozenset({BOB}))
DEEP = Rule("/files/secret/**", Access.SESSION, users=frozenset({BOB}))
IIS_APP = App("iis", *HERE, (ADMIN, DEEP, Rule("/**", Access.ANYONE)), case_insensitive=True)
UNIX_APP = App("unix", *HERE, (ADMIN, DEEP, Rule("/**", Access.ANYONE)))

BOUND = """/admin::$DATA /admin::$INDEX_ALLOCATION/x /admin:$i30:$INDEX_ALLOCATION /admin:$i30:$INDEX_ALLOCATION/x /ADMIN::$data/x /admin:x
/admin%3A%3A$DATA /admin%3a:$DATA/x /admin./x /admin%20/x /admin.%20.::$DATA /admin%20:a/x /files::$INDEX_ALLOCATION/secret/x
/files/secret::$DATA /files./SECRET%20/x /admin;v=1::$DATA /admin::$DATA;v=1 /admin%EF%BC%9A%EF%BC%9A$DATA /%EF%BD%81dmin /%EF%BC%A1dmin/x
/admin%EF%BC%8E/x /admin%C2%A0/x /admin%E3%80%80/x /files%2Fsecret::$DATA /admin%EF%BC%9Bv=1/x
/%EF%BD%81%EF%BD%84%EF%BD%8D%EF%BD%89%EF%BD%8E/"""
REFUSED = """/admin~1 /admin~1/x /ADMINI~1/x /x/ADMINI~1.ASP /AD1B2C~1/ /a~12 /admin~1. /admin~1%20/x /admin~1::$DATA /x%2Fadmin~1
/admin%7E1 /admin%EF%BD%9E1/x
/admin%EF%BC%8Fx /x%EF%BC%8F..%EF%BC%8Fadmin /admin%EF%BC%BCx /x/%E2%88%95admin /%E2%81%84admin /%E2%A7%B8admin
/x%E2%88%96admin /x%EF%B9%A8admin /x%C2%A5admin /x%E2%82%A9admin /%EF%BC%8E%EF%BC%8E/admin /..:$DATA/admin /~1"""
OPEN = """/x /x/12:30 /~alice/x /x/a~b /x/longname~1 /x/a~1.html5 /x/%E2%80%A6/y /x/wait%E2%80%A6.pdf /x/%C3%A9 /x/%C2%BD /x/%FF%FE
/x/%EF%BC%A1 /b/%EF%AC%81n /x/a~1b /x/%EF%BC%8E/admin /x/:y/admin /x/.::$INDEX_ALLOCATION/admin"""


@pytest.mark.parametrize("path", BOUND.split())
def test_another_spelling_is_bound_by_the_rule_for_the_name(path: str) -> None:
    placed = rule_of_path(IIS_APP, path, "GET")
    assert isinstance(placed, Rule) and placed.users == frozenset({BOB}), placed


@pytest.mark.parametrize("path", REFUSED.split())
def test_what_may_be_any_other_path_is_refused(path: str) -> None:
    placed = rule_of_path(IIS_APP, path, "GET")
    assert isinstance(placed, Malformed) and placed.status == 400, placed


@pytest.mark.parametrize("path", OPEN.split())
def test_usual_names_stay_as_open_as_they_were(path: str) -> None:
    placed = rule_of_path(IIS_APP, path, "GET")
    assert isinstance(placed, Rule) and placed.needs is Access.ANYONE, placed


@pytest.mark.parametrize(
    "path", [path for path in (*BOUND.split(), *REFUSED.split(), *OPEN.split()) if "..:" not in path and "/.:" not in path]
)
def test_for_every_other_app_nothing_changes(path: str) -> None:
    placed = rule_of_path(UNIX_APP, path, "GET")
    assert isinstance(placed, Rule)
    is_admin = normalised(path) in ("/admin;v=1::$DATA",) or path.startswith("/admin/")
    assert (placed.users == frozenset({BOB})) == is_admin


def test_an_app_whose_paths_all_fall_under_one_rule_gets_them_all() -> None:
    for rules in ((), (Rule("/**", Access.ANYONE),)):
        app = App("iis", *HERE, rules, case_insensitive=True)
        assert all(isinstance(rule_of_path(app, path, "GET"), Rule) for path in ("/admin~1/x", "/x%EF%BC%8Fy", "/x/:y"))


PIECES = """admin ADMIN :: : $DATA $i30 . %20 ~ ~1 %3A %EF%BC%8F %EF%BC%9A %EF%BD%81 %2F ; x 1 %C2%A0 %FF \u00e9
/"""
paths = st.lists(st.sampled_from(PIECES.split()), max_size=7).map(lambda parts: "/" + "".join(parts))


@example("/admin:/~")
@given(paths)
def test_no_reading_of_windows_makes_a_path_more_open(path: str) -> None:
    """Whoever may come by the reading of Windows could come by the plain path: both rules bind."""
    shape = normalised(path)
    if isinstance(shape, Malformed) and shape.reason not in ODD:
        assert rule_of_path(IIS_APP, path, "GET") == shape
    placed, plainly = rule_of_path(IIS_APP, path, "GET"), rule_of_path(UNIX_APP, path, "GET")
    if isinstance(placed, Rule) and isinstance(plainly, Rule):
        assert placed.permits(ALICE) <= plainly.permits(ALICE)


@given(paths)
def test_the_readings_begin_with_the_path_and_each_is_there_without_its_streams(path: str) -> None:
    shape = normalised(path)
    found = windows_readings(shape) if isinstance(shape, str) else None
    if isinstance(found, tuple):
        assert isinstance(shape, str) and found[0] == case_folded(shape)
        assert {"/".join(segment.partition(":")[0] for segment in reading.split("/")) for reading in found} <= {*found}
        assert set(readings(case_folded(shape))) <= {*found}
        assert not is_plain(path) or is_read_apart(path) or set(found) == {path}


LETTERS = Rule("/b\u00fcRO/\u03a3/**", Access.SESSION, users=frozenset({BOB}))
SPELLINGS = ["/b\u00dcro/\u03c3/x", "/B\u00fcro/\u03c2/x", "/B\u00dcRO/\u03a3", "/b\u00fcro/\u03c3::$DATA", "/b%C3%9Cro./%CE%A3/x"]


@pytest.mark.parametrize("path", SPELLINGS)
def test_letters_beyond_ascii_are_compared_as_windows_compares_them(path: str) -> None:
    of = (LETTERS, Rule("/**", Access.ANYONE))
    placed = rule_of_path(App("iis", *HERE, of, case_insensitive=True), path, "GET")
    assert isinstance(placed, Rule) and placed.users == frozenset({BOB})


def test_a_public_rule_beyond_ascii_stays_public() -> None:
    app = App("iis", *HERE, (Rule("/B\u00dcRO/**", Access.ANYONE), ADMIN), case_insensitive=True)
    for path in ("/B\u00dcRO/x", "/b\u00fcro/x", "/B%C3%9CRO"):
        placed = rule_of_path(app, path, "GET")
        assert isinstance(placed, Rule) and placed.needs is Access.ANYONE


@given(st.text(alphabet="aB/%\u00df\u0130\u0131\u017f\u212a\u00dc\u00fc\u03c2\ud800\u1e9e\u00b5", max_size=8).map("/{}".format))
def test_folding_case_settles_and_touches_nothing_of_ascii(text: str) -> None:
    shape = normalised(text)
    if isinstance(shape, str):
        once = case_folded(shape)
        assert case_folded(once) == once == normalised(once)
        ascii_of = [unquote(one).encode("ascii", "ignore") for one in (shape, once)]
        assert ascii_of[0] == ascii_of[1]
