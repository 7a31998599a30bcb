"""Which paths lie on a network filesystem."""

from __future__ import annotations

import pytest

from trainwatt.machine.filesystem import is_network_filesystem

MOUNTINFO = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /home rw shared:2 master:1 - nfs4 server:/home rw
31 30 8:2 / /home/ada/local rw - xfs /dev/sdb1 rw
32 22 0:41 / /scratch rw - lustre a@tcp:/b rw
33 22 0:42 / /my\040data rw - fuse.sshfs host: rw
34 22 0:43 / /win rw - fuseblk /dev/sdc1 rw
35 22 0:44 / /over rw - nfs server:/x rw
36 35 0:45 / /over rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("path", "network"),
    [
        ("/tmp/runs.db", False),
        ("/home/ada/runs.db", True),
        ("/home/ada/local/runs.db", False),
        ("/homes/runs.db", False),
        ("/scratch", True),
        ("/my data/runs.db", True),
        ("/win/runs.db", False),
        ("/over/runs.db", False),
    ],
)
def test_network_filesystem_by_longest_mount(path: str, network: bool) -> None:
    assert is_network_filesystem(path, MOUNTINFO) is network
