"""URLs: one taken apart as a browser would, and all that stand in a plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote

from msgspec import Struct

from detectors.domain import (
    CACHED_HOSTS,
    MAX_HOST_CHARS,
    ascii_host,
    numeric_address,
    public_suffix,
    registrable_domain,
)
from detectors.hint import Hint, Hints, hints_of
from detectors.lists import bundled

MAX_URL_CHARS = 2_048

LinkSource = Literal["field", "html", "markdown", "bbcode", "text"]

_SCHEME = re.compile(r"\s*([a-z][a-z0-9+.-]{0,20}):", re.I | re.ASCII)
_DEFANGED_SCHEME = {"hxxp": "http", "hxxps": "https", "h**p": "http", "h**ps": "https"}
_WEB_SCHEMES = frozenset({"http", "https", "ftp"})
_PLAIN = re.compile(
    r"https?://((?:[a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]{0,62})(?::[0-9]{1,5})?"
    r"((?:[/?#][\w.~/?#&=%+-]{0,1000})?)"
)
"""Most URLs: nothing in them has to be undone, so that all of the reading below comes to this."""
_AUTHORITY_END = re.compile(r"[/\\?#]")
_WHITE = re.compile(r"[\t\r\n]+")

_LABEL = r"[^\W_](?:[\w-]{0,62})"
_CANDIDATE = re.compile(
    r"(?:\bh(?:tt|xx|\*\*)ps?:[/\\]{2}|\bftp://)"
    r"(?:\[[0-9a-f:.]{2,45}\])?[^\s<>\"'`|{}\[\]^]{0,2048}"
    rf"|(?<![\w@./\\%&=+~-])(?:(?<!:)|(?<=[a-z]{{3}}:)|(?<=[^\x00-\x7f]:)){_LABEL}(?:\.{_LABEL})++(?::\d{{1,5}})?(?![\w@(])"
    r"(?:[/?#][^\s<>\"'`|{}\[\]^]{0,2048})?",
    re.I,
)
_TARGET = re.compile(
    r"[?&](?:q|u|url|to|target|redirect|redirect_uri|dest|destination|goto|go|link|r|redir|next|out)="
    r"(https?://[^&\s]{4,2048})",
    re.I,
)
_NO_PART = re.compile("[\u00ab\u00bb\u2000-\u2bff\u3000-\u303f\uff00-\uff0f\U0001f000-\U0001faff]")
"""Signs that end a URL where they stand in its host; in a path they may be meant."""
_TITLE_CASE_SUFFIXES = frozenset(("com", "biz", "xyz", "ru", "org", "info"))
_RUN_TOGETHER = re.compile(r"[,;](?=https?://)", re.I)
_LINK_SIGN = re.compile(r"[.:](?:(?<=\.)[^\W_]|(?<=:)[/\\])")
_LEADING = "_*~=-+>/"
_TRAILING = ".,;:!?'\"*_~…、。)）]"  # noqa: RUF001 -- full-width too


class Link(Struct, frozen=True, kw_only=True, gc=False):
    """A link that a reader could follow.

    Attributes:
        url: As written, defanging undone.
        host: As resolvers see it.
        domain: The registrable domain, the address of a numeric host, or the host itself where
            its suffix is not a known one.
        path: From the first ``/``, ``?`` or ``#`` on.
        userinfo: What stands before an ``@`` in the authority.
        numeric: Whether the host is an address.
        anchor: The text that is shown for it, where that is not the URL.
        hidden: Why a reader does not see it, if so.
        embedded: Whether it is a picture or a frame, which is shown and not followed.
        source: Where it was found.
    """

    url: str
    host: str
    domain: str
    path: str = ""
    userinfo: str | None = None
    numeric: bool = False
    anchor: str = ""
    hidden: str | None = None
    embedded: bool = False
    source: LinkSource = "text"


def parse_link(
    raw: str,
    *,
    source: LinkSource = "field",
    anchor: str = "",
    hidden: str | None = None,
    embedded: bool = False,
) -> Link | None:
    """Take a URL apart as a browser would; a missing scheme is taken for ``http``.

    Returns:
        None for what leads to no host: ``mailto:``, a relative path, a name without a dot.
    """
    if (plain := _PLAIN.fullmatch(raw)) and len(host := plain[1]) <= MAX_HOST_CHARS:
        return Link(
            url=raw,
            host=host,
            domain=registrable_domain(host) or host,
            path=plain[2],
            anchor=anchor,
            hidden=hidden,
            embedded=embedded,
            source=source,
        )
    apart = _taken_apart(raw)
    if apart is None:
        return None
    url, hostport, path, userinfo = apart
    found = _host(hostport)
    if found is None:
        return None
    host, domain, numeric = found
    return Link(
        url=url,
        host=host,
        domain=domain,
        path=path,
        userinfo=userinfo,
        numeric=numeric,
        anchor=anchor,
        hidden=hidden,
        embedded=embedded,
        source=source,
    )


def _taken_apart(raw: str) -> tuple[str, str, str, str | None] | None:
    """URL, host and port, path, and userinfo; None where no browser would look for a host."""
    url = _WHITE.sub("", raw[:MAX_URL_CHARS]).strip()
    rest = url
    if scheme := _SCHEME.match(url):
        name = scheme[1].lower()
        name = _DEFANGED_SCHEME.get(name, name)
        if name in _WEB_SCHEMES:
            rest = url[scheme.end() :]
            url = f"{name}:{rest}"
        elif "." not in name or not url[scheme.end() : scheme.end() + 1].isdigit():
            return None  # mailto:, javascript:, and not example.com:8080
    elif url.startswith("/") and not url.startswith("//"):
        return None
    rest = rest.lstrip("/\\")
    end = _AUTHORITY_END.search(rest)
    authority, path = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
    userinfo, at, hostport = authority.rpartition("@")
    return url, hostport, path, userinfo if at else None


def redirected(link: Link) -> Link | None:
    """Where a redirector sends whoever follows the link, if the link says so itself."""
    target = _TARGET.search(unquote(link.path))
    return parse_link(target[1], source=link.source, hidden=link.hidden) if target else None


def find_links(text: str, hints: Hints | None = None) -> Iterator[Link]:
    """Every URL in a plain text, and every bare domain that is surely one.

    ``example.com/path`` is one; ``index.js``, ``README.md`` and ``v1.2.3`` are none, nor is the
    domain of an e-mail address. Linear in the text's length.

    Args:
        text: A text as ``detectors.text`` cleans it.
        hints: Those that it has, where they are at hand.
    """
    if Hint.LINK not in (hints_of(text) if hints is None else hints):
        return
    for piece in _linked_pieces(text):
        trimmed = piece.rstrip(_TRAILING)
        if _PLAIN.fullmatch(trimmed):
            if link := parse_link(trimmed, source="text"):
                yield link
            continue
        for match in _CANDIDATE.finditer(piece.lstrip(_LEADING)):
            together = match[0]
            runs = (
                _RUN_TOGETHER.split(together) if "," in together or ";" in together else [together]
            )
            for run in runs:
                raw = _trimmed(_NO_PART.split(run, maxsplit=1)[0] if not run.isascii() else run)
                has_scheme = _SCHEME.match(raw) and "//" in raw[:12].replace("\\", "/")
                if not has_scheme and not is_bare_domain(raw):
                    continue
                if link := parse_link(raw, source="text"):
                    yield link


def _linked_pieces(text: str) -> Iterator[str]:
    """What stands between white space and has a dot before a letter or digit, or ``:/``."""
    read = 0
    for sign in _LINK_SIGN.finditer(text):
        at = sign.start()
        if at < read:
            continue
        begin, read = text.rfind(" ", 0, at) + 1, text.find(" ", at)
        if read < 0:
            read = len(text)
        yield from text[begin:read].split()


@lru_cache(maxsize=65_536)
def is_bare_domain(raw: str) -> bool:
    """Whether something without a scheme is meant as a web address.

    A suffix that is also a file's extension or a common word (``py``, ``md``, ``it``, ``so``)
    needs a path or ``www.`` to be believed.
    """
    host, slash, _ = raw.partition("/")
    host = host.partition("?")[0].partition("#")[0].partition(":")[0]
    last = host.rpartition(".")[2]
    if last != last.lower() and host != host.upper() and last.lower() not in _TITLE_CASE_SUFFIXES:
        return False  # "the end.Next": a missing space
    ascii_name = ascii_host(host)
    if ascii_name is None or "_" in ascii_name:
        return False
    suffix = public_suffix(ascii_name)
    if not suffix or registrable_domain(ascii_name) is None:
        return False
    if ascii_name.startswith("www."):
        return True
    return bool(slash) or suffix not in bundled("ambiguous_suffixes")


def _trimmed(raw: str) -> str:
    """Leave out the punctuation of the sentence around, and keep a closed bracket."""
    return raw.rstrip(_TRAILING) if ")" not in raw else _trimmed_brackets(raw)


def _trimmed_brackets(raw: str) -> str:
    opened = raw.count("(") - raw.count(")")
    end = len(raw)
    while end and raw[end - 1] in _TRAILING:
        if raw[end - 1] == ")":
            if opened >= 0:
                break
            opened += 1
        end -= 1
    return raw[:end]


@lru_cache(maxsize=CACHED_HOSTS)
def _host(hostport: str) -> tuple[str, str, bool] | None:
    """Host, domain, and whether it is an address; None for what is no host on the web."""
    if hostport.startswith("["):
        host = ascii_host(hostport.partition("]")[0] + "]")
    else:
        host = ascii_host(hostport.partition(":")[0])
    if host is None:
        return None
    numeric = numeric_address(host) is not None
    if "." not in host and not numeric:
        return None
    return host, registrable_domain(host) or host, numeric
