"""PURE: where the words of a command line hold a secret: `--password X`, `mysql -pX`, `curl -u user:X`, `wandb login X`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from .names import Kind, kind_of


class Hidden(NamedTuple):
    """Where a secret is: from `at` on in the word that was looked at, or in the next word where `at` is None."""

    at: int | None
    kind: Kind = Kind.STRONG


class _Way(NamedTuple):
    """How an option takes its value: in the same word, as the next word, or both."""

    glued: bool
    apart: bool


_GLUED, _APART, _EITHER = _Way(True, False), _Way(False, True), _Way(True, True)
_MYSQL = (
    "mysql mysqldump mysqladmin mysqlimport mysqlcheck mysqlshow mysqlslap mysqlpump mysqlbinlog mysqlsh mysqltuner mycli mydumper"
    " mariadb mariadb-dump mariadb-admin mariadb-import mariadb-check mariadb-show mariadb-binlog mariadb-backup xtrabackup"
)
_LOGINS = "docker podman nerdctl buildah skopeo helm oras crane az regctl cf oc"
_MONGO = "mongo mongosh mongodump mongorestore mongoimport mongoexport mongostat mongotop"
_OPTIONS: Mapping[tuple[str, str], _Way] = {
    (program, option): way
    for programs, options, way in (
        (_MYSQL, "-p", _GLUED),
        ("7z 7za 7zr 7zz rar unrar", "-p", _GLUED),
        ("sshpass", "-p", _EITHER),
        (" ".join(f"{program}+login" for program in _LOGINS.split()), "-p", _EITHER),
        (f"{_MONGO} cqlsh beeline rdesktop mosquitto_pub mosquitto_sub", "-p", _APART),
        ("mosquitto_pub mosquitto_sub sqlcmd bcp osql isql ipmitool zip unzip hdbsql", "-P", _EITHER),
        ("curl", "-u --user -U --proxy-user -b", _EITHER),
        ("http https xh", "-a", _EITHER),
        ("redis-cli keydb-cli valkey-cli", "-a", _EITHER),
        ("ldapsearch ldapadd ldapmodify ldapdelete ldappasswd ldapwhoami", "-w", _EITHER),
        ("smbclient rpcclient smbget lftp", "-u -U --user", _EITHER),
        ("openssl", "-k -K -pass", _APART),
        ("snmpget snmpwalk snmpset", "-A -X -c", _EITHER),
        ("plink pscp psftp", "-pw", _APART),
        ("htpasswd", "-b", _APART),
    )
    for program in programs.split()
    for option in options.split()
}
"""The options of well-known programs whose name does not tell that their value is a secret, from the manuals of these programs."""
_KEY_LOGINS = {"wandb", "vault", "comet", "neptune", "replicate"}
"""Programs that take a key after `login`."""
_SETTERS = {
    "aws",
    "npm",
    "yarn",
    "pnpm",
    "git",
    "pip",
    "poetry",
    "gcloud",
    "conda",
    "huggingface-cli",
    "hf",
    "dvc",
    "rclone",
    "mc",
    "kaggle",
}
"""Programs that take the name of a setting, and then its value, after `config`, `configure` or `set`."""
_PROGRAMS = {program for program, _ in _OPTIONS} | _KEY_LOGINS | _SETTERS | set(_LOGINS.split())
_OPTION = re.compile(r"--?[A-Za-z][\w.-]*")
_ENDS = (";", "|", "&")


class Words:
    """Looks at the words of a command line one after the other, and remembers which program they are for."""

    def __init__(self) -> None:
        self._program = ""
        self._expects = ""

    def look(self, word: str) -> Hidden | None:
        """Where this word, or the next one, is a secret. None if neither is. `NAME=VALUE` is not looked at."""
        word, ends = word.rstrip(";|&"), word.endswith(_ENDS)
        found = self._option(word) if word.startswith("-") else self._operand(word)
        if ends:
            self._program = self._expects = ""
        return found

    def _option(self, word: str) -> Hidden | None:
        way = _OPTIONS.get((self._program, word))
        if way is not None and way.apart:
            return Hidden(None)
        option = word[:2]
        way = _OPTIONS.get((self._program, option))
        if way is not None and way.glued and option != "--":
            return Hidden(2)  # a quote may follow the option: -p'X'

        if self._program == "curl" and re.fullmatch(r"-[A-Za-z]{1,12}[uU]", word):
            return Hidden(None)
        if "=" not in word and _OPTION.fullmatch(word):
            kind = kind_of(word)
            return None if kind is Kind.NONE else Hidden(None, kind)
        return None

    def _operand(self, word: str) -> Hidden | None:
        name = word.rpartition("/")[2].lower().removesuffix(".exe")
        if name in _PROGRAMS:
            self._program, self._expects = name, ""
        elif self._expects == "key":
            self._expects = ""
            return Hidden(0)
        elif name == "login":
            self._expects = "key" if self._program in _KEY_LOGINS else ""
            self._program += "+login"
        elif name in ("config", "configure", "set") and self._program in _SETTERS:
            self._expects = "name"
        elif self._expects == "name" and "=" not in word and (kind := kind_of(word)) is not Kind.NONE:
            self._expects = ""
            return Hidden(None, kind)
        return None
