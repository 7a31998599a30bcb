"""A file together with the question who could have written it.

A path is followed folder by folder with descriptors, and the file that is read is the file that was judged. So nobody can exchange a folder
or a link between the judgement and the reading.
"""

from __future__ import annotations

import errno
import os
import stat
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from ..machine.files import read_regular, read_text

MOST_BYTES = 2**18
"""The most that is read of a file of settings. The largest pyproject.toml of well-known projects has less than half."""
_ENTRY = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_LINKS = 40  # as many as the kernel follows (path_resolution(7))
_ACL = "system.posix_acl_access"


class Weakness(StrEnum):
    """Why a file may be somebody else's."""

    OWNER = "other-user"
    WRITABLE = "writable"


class Doubt(NamedTuple):
    """The file, folder or link at which somebody else comes in. `uid` is its owner."""

    at: Path
    weakness: Weakness
    uid: int


class Seen(NamedTuple):
    """A file as it was found. `real` is its path without links. `content` is None if it cannot be read; `fault` then says why.

    `doubt` is None if only this user or root could have written it: the file and the folders that hold it are theirs, nobody else may write
    these, and nobody else may exchange a folder above or a link on the way.
    """

    real: Path
    content: bytes | None
    fault: OSError | None
    doubt: Doubt | None


def look(path: Path) -> Seen:
    """Read a file, and judge it. Raises OSError if there is none, or if a folder on the way cannot be entered."""
    walk = _Walk()
    try:
        return walk.to(path)
    finally:
        walk.close()


class _Walk:
    """The way from the root to a file."""

    def __init__(self) -> None:
        self._owners = {os.geteuid(), 0}
        self._real: list[str] = []
        self._doubt: Doubt | None = None
        self._folder = os.open("/", _ENTRY)
        # In a user namespace without a root user, the owner of "/" stands for root. Strangers look the same there, so this is enough for
        # folders above only.
        self._owners_above = self._owners | {os.fstat(self._folder).st_uid}

    def close(self) -> None:
        os.close(self._folder)

    def to(self, path: Path) -> Seen:
        rest = _parts(os.fspath(path))
        links = 0
        while rest:
            name = rest.pop()
            self._judge_folder(holds_it=not rest)
            if name == "..":
                self._enter(os.open("..", _ENTRY, dir_fd=self._folder))
                del self._real[-1:]
                continue
            entry = os.open(name, _ENTRY, dir_fd=self._folder)
            status = os.fstat(entry)
            if stat.S_ISLNK(status.st_mode):
                target = os.readlink("", dir_fd=entry)
                os.close(entry)
                self._judge_owner(status, self._path(name), self._owners)
                links += 1
                if links > _MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
                rest += _parts(target)
                if target.startswith("/"):
                    self._enter(os.open("/", _ENTRY))
                    self._real.clear()
            elif rest:
                self._enter(entry)
                self._real.append(name)
            else:
                os.close(entry)
                return self._file(name)
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))

    def _enter(self, folder: int) -> None:
        os.close(self._folder)
        self._folder = folder

    def _path(self, name: str = "") -> Path:
        return Path("/", *self._real, name)

    def _file(self, name: str) -> Seen:
        real = self._path(name)
        try:
            content, status = read_regular(name, MOST_BYTES, folder=self._folder, follow=False)
        except OSError as error:
            self._judge_owner(os.stat(name, dir_fd=self._folder, follow_symlinks=False), real, self._owners)
            return Seen(real, None, error, self._doubt)
        self._judge_owner(status, real, self._owners)
        self._judge_mode(status, real, f"/proc/self/fd/{self._folder}/{name}")
        return Seen(real, content, None, self._doubt)

    def _judge_folder(self, *, holds_it: bool) -> None:
        """`holds_it`: it has the file, or a link to it. In a sticky folder above, nobody can exchange what others have put there."""
        status, path = os.fstat(self._folder), self._path()
        self._judge_owner(status, path, self._owners if holds_it else self._owners_above)
        if holds_it or not status.st_mode & stat.S_ISVTX:
            self._judge_mode(status, path, f"/proc/self/fd/{self._folder}")

    def _judge_owner(self, status: os.stat_result, path: Path, owners: set[int]) -> None:
        if self._doubt is None and status.st_uid not in owners:
            self._doubt = Doubt(path, Weakness.OWNER, status.st_uid)

    def _judge_mode(self, status: os.stat_result, path: Path, opened: str) -> None:
        others = status.st_mode & stat.S_IWOTH
        if self._doubt is None and (others or (status.st_mode & stat.S_IWGRP and not _is_private(status.st_gid, opened))):
            self._doubt = Doubt(path, Weakness.WRITABLE, status.st_uid)


def _parts(path: str) -> list[str]:
    """The names in a path, the last one first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]


def _is_private(gid: int, opened: str) -> bool:
    """Whether the write permission of a group gives nobody else access: Debian and Fedora give each user a group of its own, and a umask
    of 002. A group is private if it has the name of this user and no other member; so is the group root, as in containers of OpenShift.

    With an access control list, the bits of the group are the most that the list gives to anybody; such a list is not read.
    """
    import grp  # loaded only where a group may write
    import pwd

    try:
        os.getxattr(opened, _ACL)
        return False
    except OSError:  # it has none
        pass
    uid = os.geteuid()
    try:
        me = pwd.getpwuid(uid).pw_name
    except (KeyError, OSError):  # a container may not know its user
        me = str(uid)
    try:
        group = grp.getgrgid(gid)
    except (KeyError, OSError):  # a group that nobody was ever added to
        return gid == uid
    others = set(group.gr_mem) - {me, "root"}
    return not others and (gid == 0 or (group.gr_name == me and not _has_as_first_group(gid) - {me}))


def _has_as_first_group(gid: int) -> set[str]:
    """The users of this machine whose first group this is: the group itself does not list them. A directory service is not asked, because
    it may take long to list its users."""
    users = (line.split(":") for line in read_text(Path("/etc/passwd")).splitlines())
    return {user[0] for user in users if user[3:4] == [str(gid)]}
