"""PURE: secrets that are known by their shape: the tokens of providers and registries, JSON web tokens, and private keys."""

from __future__ import annotations

import re
from functools import cache

MASK = "***"

_SHAPES: dict[str, str] = {
    **{key: rf"{key}[A-Z0-9]{{12,}}" for key in ("AKIA", "ASIA", "ABIA", "ACCA", "AGPA", "AIDA", "AROA", "ANPA", "ANVA", "AIPA", "APKA")},
    **{"AIza": r"AIza[\w-]{20,}", "ya29.": r"ya29\.[\w-]{16,}", "GOCSPX-": r"GOCSPX-[\w-]{16,}", "1//0": r"1//0[\w-]{20,}"},
    "Q~": r"[\w.~-]{3}[78]Q~[\w.~-]{28,}",  # Azure
    **{f"gh{kind}_": rf"gh{kind}_[A-Za-z0-9]{{6,}}" for kind in "pousr"},
    "github_pat_": r"github_pat_\w{6,}",
    **{
        f"gl{kind}-": rf"gl{kind}-[\w.-]{{6,}}"
        for kind in ["pat", "dt", "rt", "rtr", "cbt", "ptt", "ft", "soat", "agent", "oas", "imt", "ffct", "wt"]
    },
    **{"hf_": r"hf_(?:oauth_|jwt_|inference_)?[A-Za-z0-9]{16,}", "api_org_": r"api_org_[A-Za-z0-9]{16,}"},
    "sk-": r"sk-(?:(?:proj|ant|or|svcacct|admin|lf|live|test|None)-[\w-]{8,}|(?=[A-Za-z]{0,40}\d)[A-Za-z0-9]{8,})",  # OpenAI, Anthropic
    **{"sess-": r"sess-[A-Za-z0-9]{20,}", "wandb_v": r"wandb_v\d_[\w-]{16,}", "KGAT_": r"KGAT_[A-Za-z0-9]{20,}"},
    **{"xox": r"xox[a-z](?:\.xox[a-z])?-[\w-]{6,}", "xapp-": r"xapp-[\w-]{10,}"},  # Slack
    **{"npm_": r"npm_[A-Za-z0-9]{20,}", "pypi-A": r"pypi-A[\w-]{16,}", "dckr_": r"dckr_[po]at_[\w-]{8,}", "cio": r"cio[A-Za-z0-9]{32}"},
    **{"rubygems_": r"rubygems_[0-9a-f]{20,}", "oy2": r"oy2[a-z0-9]{40,}", "AKC": r"AKC[A-Za-z0-9]{30,}"},
    **{f"{kind}_": rf"{kind}_(?:live|test|prod)_\w{{8,}}" for kind in ("sk", "rk", "pk")},  # Stripe
    "whsec_": r"whsec_[\w+/=-]{16,}",
    **{"SG.": r"SG\.[\w-]{10,}\.[\w-]{10,}", "key-": r"key-[0-9a-f]{24,}", "SK": r"SK[0-9a-f]{32}"},  # SendGrid, Mailgun, Twilio
    ":A": r"\d{8,10}:A[A-Za-z0-9_-]{32,}",  # Telegram
    **{f"do{kind}_v1_": rf"do{kind}_v1_[0-9a-f]{{32,}}" for kind in "opr"},  # DigitalOcean
    **{"dapi": r"dapi[0-9a-f]{30,}", ".atlasv1.": r"\w{14}\.atlasv1\.[\w-]{30,}", "dp.": r"dp\.\w{2,8}\.[\w.-]{20,}"},
    **{f"hv{kind}.": rf"hv{kind}\.[\w-]{{16,}}" for kind in "sbr"},  # Vault
    **{f"shp{kind}_": rf"shp{kind}_[0-9a-fA-F]{{24,}}" for kind in ("at", "ca", "pa", "ss")},
    **{"sq0": r"sq0[a-z]{3}-[\w-]{20,}", "EAAA": r"EAAA[\w-]{50,}", "lin_api_": r"lin_api_\w{20,}", "ntn_": r"ntn_[A-Za-z0-9]{20,}"},
    **{"secret_": r"secret_[A-Za-z0-9]{32,}", "glsa_": r"glsa_\w{20,}", "glc_": r"glc_[\w=+/-]{20,}", "PMAK-": r"PMAK-[\w-]{20,}"},
    **{"NRAK-": r"NRAK-\w{20,}", "sntrys_": r"sntrys_[\w+/=-]{20,}", "sntryu_": r"sntryu_\w{20,}", "tskey-": r"tskey-[\w-]{12,}"},
    **{f"{kind}_": rf"{kind}_[A-Za-z0-9]{{20,}}" for kind in ("r8", "gsk", "rpa", "pcsk", "jina", "fw")},
    **{"xai-": r"xai-[A-Za-z0-9]{20,}", "pplx-": r"pplx-[A-Za-z0-9]{20,}", "nvapi-": r"nvapi-[\w-]{20,}", "tvly-": r"tvly-[\w-]{16,}"},
    **{"lsv2_": r"lsv2_(?:pt|sk)_\w{16,}", "sbp_": r"sbp_[0-9a-f]{30,}", "nfp_": r"nfp_\w{30,}", "pscale_": r"pscale_\w{2,6}_[\w.-]{20,}"},
    **{
        "figd_": r"figd_[\w-]{20,}",
        "pat": r"pat[A-Za-z0-9]{14}\.\w{30,}",
        "LTAI": r"LTAI[A-Za-z0-9]{12,}",
        "AKID": r"AKID[A-Za-z0-9]{13,}",
    },
    **{f"AT{kind}": rf"AT{kind}[\w=-]{{20,}}" for kind in ("ATT", "CTT", "BB")},  # Atlassian
    **{"AQVN": r"AQVN[\w-]{30,}", "AGE-SECRET-KEY-": r"AGE-SECRET-KEY-1[A-Z0-9]{20,}", "HRKU-": r"HRKU-[\w-]{20,}"},
    "tgp_v1_": r"tgp_v1_[\w-]{20,}",
}
"""What is in each token, and its whole shape, from the documentation of the providers. Lengths are a little shorter than documented. A
shape is compiled when a text has what is in it: all of them would take 4 ms of the start of a run."""
_HOOK = re.compile(r"(hooks\.slack\.com/\w{1,20}/|/api/webhooks/|api\.telegram\.org/(?:file/)?bot)[^\s\"'<>]{6,}", re.IGNORECASE)
_WEB_TOKEN = re.compile(r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{8,}+(\.[A-Za-z0-9_.-]+)?")
"""A JSON web token. Without a dot it is only a word that begins like one."""
_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d:")
_KEY_ENDS = re.compile(r"-----END[A-Z0-9 ]{0,60}-----|Private-MAC:\s{0,8}\w*+")


def without_shapes(text: str) -> str:
    """The text without tokens of a known shape, and without private keys."""
    text = _HOOK.sub(lambda m: f"{m[1]}{MASK}", _without_keys(text))
    for part in _SHAPES:
        if part in text:
            text = _shape(part).sub(MASK, text)
    return _WEB_TOKEN.sub(lambda m: MASK if m[1] else m[0], text)


@cache
def _shape(part: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9]){_SHAPES[part]}")


def _without_keys(text: str) -> str:
    parts, shown = [], 0
    while (key := _KEY.search(text, shown)) is not None:
        parts += [text[shown : key.start()], MASK]
        end = _KEY_ENDS.search(text, key.end())
        shown = len(text) if end is None else end.end()
    return "".join([*parts, text[shown:]])
