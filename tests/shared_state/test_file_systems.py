"""Which file system a folder lies on, read from the text of /proc/mounts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shared_state.folder import NETWORK_FILE_SYSTEMS, file_system_of, is_network

MOUNTS = """\
/dev/sda1 / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
tmpfs /run tmpfs rw 0 0
files.example.com:/export /srv/shared nfs4 rw,vers=4.2 0 0
/dev/sdb1 /srv/shared/local xfs rw 0 0
user@host: /home/a/my\\040files fuse.sshfs rw 0 0
//host/share /mnt cifs rw 0 0
tmpfs /mnt tmpfs rw 0 0

nonsense
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/var/lib/gateway", "ext4"),
        ("/run", "tmpfs"),
        ("/running", "ext4"),
        ("/srv/shared", "nfs4"),
        ("/srv/shared/a/b", "nfs4"),
        ("/srv/shared/local/a", "xfs"),
        ("/srv/shared/locality", "nfs4"),
        ("/home/a/my files/b", "fuse.sshfs"),
        ("/mnt/a", "tmpfs"),
    ],
)
def test_the_deepest_mount_point_tells_and_of_two_the_one_above(path: str, kind: str) -> None:
    assert file_system_of(path, MOUNTS) == kind


def test_without_a_table_nothing_is_known() -> None:
    assert file_system_of("/var", "") is None
    assert file_system_of("/var", "tmpfs /run tmpfs rw 0 0\n") is None


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        *((kind, True) for kind in ("nfs", "nfs4", "cifs", "fuse.sshfs", "ceph", "fuse.s3fs", "lustre")),
        *((kind, False) for kind in ("ext4", "xfs", "tmpfs", "overlay", "fuse.overlayfs", "fuseblk", "")),
    ],
)
def test_a_network_file_system_is_known_by_its_name(kind: str, expected: bool) -> None:
    assert is_network(kind) is expected


_NAMES = st.text(st.sampled_from("ab c\\"), min_size=1, max_size=4)


def _written(name: str) -> str:
    return name.replace("\\", "\\134").replace(" ", "\\040")


@given(above=st.lists(_NAMES, max_size=3), below=st.lists(_NAMES, max_size=3), kind=st.sampled_from(sorted(NETWORK_FILE_SYSTEMS)))
def test_everything_under_a_mount_point_lies_on_it_and_nothing_beside_it(above: list[str], below: list[str], kind: str) -> None:
    point = "/" + "/".join(["mounted", *above])
    mounts = f"/dev/sda1 / ext4 rw 0 0\nserver {_written(point)} {kind} rw 0 0\n"
    assert file_system_of("/".join([point, *below]), mounts) == kind
    assert file_system_of(point + "x", mounts) == "ext4"


@given(st.text(max_size=200), st.text(max_size=30))
def test_no_text_is_too_strange(mounts: str, path: str) -> None:
    found = file_system_of("/" + path, mounts)
    assert found is None or found in mounts
