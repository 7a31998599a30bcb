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


def same_mount(path: Path, other: Path) -> bool:
    """Whether two absolute paths without symbolic links lie on one mounted filesystem. Neither is looked up: a filesystem that is stalled
    would not answer."""
    text = read_text(MOUNTINFO, errors="surrogateescape")
    return _mounted_at(str(path), text)[0] == _mounted_at(str(other), text)[0]


def is_network_filesystem(path: str, mountinfo: str) -> bool:
    """Whether the absolute `path` lies on a network filesystem, according to the text of /proc/self/mountinfo."""
    filesystem = _mounted_at(path, mountinfo)[1]
    return filesystem in _NETWORK or filesystem.startswith("fuse.")


def _mounted_at(path: str, mountinfo: str) -> tuple[str, str]:
    """The folder at which the filesystem of an absolute path is mounted, and the kind of filesystem."""
    longest, filesystem = "", ""
    for mount in mounts(mountinfo):
        folder = mount.folder.rstrip("/")
        # If two mounts are at one folder, the later one hides the other.
        if (path == folder or path.startswith(folder + "/")) and len(folder) >= len(longest):
            longest, filesystem = folder, mount.filesystem
    return longest, filesystem
