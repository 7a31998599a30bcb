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
        ("7z 7za 7zr 7zz rar unrar", "-p -hp", _GLUED),
        ("xfreerdp xfreerdp3 wlfreerdp", "/p:", _GLUED),
        ("twine poetry useradd usermod psexec steghide smbpasswd", "-p", _EITHER),
        ("ssh-keygen", "-N -P", _EITHER),
        ("swift openstack", "-K", _EITHER),
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
_NAMERS = {"nmcli", "pdftk", "qpdf"}
"""Programs that take the name of a setting, and then its value, anywhere."""
_OPERANDS: Mapping[tuple[str, str], tuple[int, ...]] = {
    **{("wpa_passphrase", ""): (2,), ("htpasswd", ""): (3,), ("isql", ""): (3,), ("net", "use"): (4,), ("mc", "alias"): (5, 6)},
    **{("rabbitmqctl", "add_user"): (3,), ("rabbitmqctl", "change_password"): (3,), ("rabbitmqctl", "authenticate_user"): (3,)},
}
"""Which words after a program, without its options, are secrets; also by the first of these words."""
_PROGRAMS = {program for program, _ in (*_OPTIONS, *_OPERANDS) if "+" not in program}
_PROGRAMS |= _KEY_LOGINS | _SETTERS | _NAMERS | set(_LOGINS.split())
_MANY = re.compile(r"(?:secret|password|passphrase|key|token)s$", re.IGNORECASE)
_OPTION = re.compile(r"--?[A-Za-z][\w.-]*")
_ENDS = (";", "|", "&")


class Words:
    """Looks at the words of a command line one after the other, and remembers which program they are for."""

    def __init__(self) -> None:
        self._begin("")

    def _begin(self, program: str) -> None:
        self._program = program
        self._expects = "name" if program in _NAMERS else ""
        self._operands: list[str] = []
        self._many = False

    def look(self, word: str) -> Hidden | None:
        """Where this word, or the next one, is a secret. None if neither is. Names in `NAME=VALUE` are not looked at."""
        word, ends = word.rstrip(";|&"), word.endswith(_ENDS)
        found = self._option(word) if word.startswith(("-", "/p:")) else self._operand(word)
        if ends:
            self._begin("")
        return found

    def _option(self, word: str) -> Hidden | None:
        self._many = False
        way = _OPTIONS.get((self._program, word))
        if way is not None and way.apart:
            return Hidden(None)
        for option in (word[:2], word[:3]):
            way = _OPTIONS.get((self._program, option))
            if way is not None and way.glued and option != "--":
                return Hidden(len(option))  # a quote may follow the option: -p'X'
        if self._program == "curl" and re.fullmatch(r"-[A-Za-z]{1,12}[uU]", word):
            return Hidden(None)
        if "=" not in word and _OPTION.fullmatch(word) and (kind := kind_of(word)) is not Kind.NONE:
            self._many = _MANY.search(word) is not None
            return Hidden(None, kind)
        return None

    def _operand(self, word: str) -> Hidden | None:
        name = word.rpartition("/")[2].lower().removesuffix(".exe")
        if self._many:
            return Hidden(0)
        if name in _PROGRAMS:
            self._begin(name)
            return None
        self._operands.append(name)
        places = _OPERANDS.get((self._program, "")) or _OPERANDS.get((self._program, self._operands[0]), ())
        if len(self._operands) in places:
            return Hidden(0)
        return self._expected(word, name)

    def _expected(self, word: str, name: str) -> Hidden | None:
        if self._expects == "key":
            self._expects = ""
            return Hidden(0)
        if self._expects == "values" and "=" in word:
            return Hidden(word.index("=") + 1)
        if self._expects == "name" and "=" not in word and (kind := kind_of(word)) is not Kind.NONE:
            return Hidden(None, kind)
        if name == "login":
            self._expects = "key" if self._program in _KEY_LOGINS else ""
            self._program += "+login"
        elif name in ("put", "write", "patch") and self._program == "vault":
            self._expects = "values"
        elif name in ("config", "configure", "set", "modify") and self._program in _SETTERS:
            self._expects = "name"
        return None
