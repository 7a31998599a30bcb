"""Which filesystem a path lies on: a local one, or one that other hosts mount, too."""

from __future__ import annotations

import os
from pathlib import Path

from .files import read_text
from .proc import mounts

MOUNTINFO = Path("/proc/self/mountinfo")
_NETWORK = frozenset(
    (
        *("9p", "afs", "beegfs", "beegfs_nodev", "ceph", "cifs", "fhgfs", "fuse", "gfs2", "glusterfs", "gpfs"),
        *("lustre", "nfs", "nfs3", "nfs4", "ocfs2", "orangefs", "panfs", "pvfs2", "smb3", "smbfs", "wekafs"),
    )
)


def on_network(path: Path) -> bool:
    """Whether `path` lies on a network filesystem of this machine; False if that cannot be known."""
    # With surrogates, as in the path, because a folder's name may be any bytes.
    return is_network_filesystem(os.path.realpath(path), read_text(MOUNTINFO, errors="surrogateescape"))


def is_network_filesystem(path: str, mountinfo: str) -> bool:
    """Whether the absolute `path` lies on a network filesystem, according to the text of /proc/self/mountinfo."""
    longest, filesystem = -1, ""
    for mount in mounts(mountinfo):
        folder = mount.folder.rstrip("/")
        # If two mounts are at one folder, the later one hides the other.
        if (path == folder or path.startswith(folder + "/")) and len(folder) >= longest:
            longest, filesystem = len(folder), mount.filesystem
    return filesystem in _NETWORK or filesystem.startswith("fuse.")
