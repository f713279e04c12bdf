"""HTML, Markdown and BBCode, read for their text and their links.

Not a parser of any of them: what a post is written in is not known, and often it is a mixture. One
pass over the tags, in time linear in the text (docs/decisions/0040).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from typing import NamedTuple

from detectors.url import Link, LinkSource, parse_link
from detectors.visibility import hidden_by, is_colored, style_rules

MAX_TAG_CHARS = 8_192
MAX_ANCHOR_CHARS = 500
"""Text under a longer link is read as text too: an ``<a>`` that is never closed hides nothing."""
MAX_LINKS = 2_000
MAX_SHEET_CHARS = 20_000
MAX_SPANS = 200
MAX_TAGS = 20_000
"""A text with more is noise; what follows is read as plain text."""

_LOOKS_LIKE_HTML = re.compile(r"</?[a-z][a-z0-9]{0,9}[\s/>]|<!--", re.I)
_TAG_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9-]{0,30})(?=[\s/>])")
_ATTRIBUTE = re.compile(
    r"""(?<![^\s"'/])([a-z][a-z0-9_:-]{0,30})(?:\s*+=\s*+("[^"]*+"|'[^']*+'|[^\s"'>]++)|(?=[\s/>]|$))""",
    re.I,
)
_TAG_END = re.compile(r"""(?:[^"'>=]++|=\s*+"[^"]*+"|=\s*+'[^']*+'|["'=])*+>""")
_ENDLESS_NUMBER = re.compile(r"&#x?[0-9a-f]{1000,}+;?", re.I)

_BLOCKS = frozenset(
    re.findall(
        r"\w+",
        "address article aside blockquote body br caption center dd details div dl dt figcaption"
        " figure footer form h1 h2 h3 h4 h5 h6 head header hr html legend li main nav ol option p"
        " pre section summary table tbody td tfoot th thead title tr ul",
    )
)
_SPELT = frozenset(("dot", "at"))
"""No tags but words in brackets of their own: ``example<dot>com``."""
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr")
)
_UNREAD = {
    name: re.compile(f"</{name}", re.I)
    for name in ("script", "style", "template", "textarea", "xmp", "noembed")
}
_EMBEDS = {
    "img": "src",
    "iframe": "src",
    "embed": "src",
    "video": "src",
    "source": "src",
    "object": "data",
}
_LINKS = {"area": "href", "form": "action", "button": "formaction", "base": "href"}
_REFRESH = re.compile(r"^\s*+\d{0,5}\s*+[;,]\s*+url\s*+=\s*+['\"]?([^'\"\s]{1,2048})", re.I)
_CALLED = re.compile(
    r"\s*+(tel|sms|callto|mailto|skype|whatsapp|tg|viber):/{0,2}([^?&\s]{1,100})", re.I
)
"""What a click calls or writes to, where it is no site."""
_SIGN_ANCHORS = frozenset(".,'\u00b7\u200b\u200c\u200d\u2060\u3164\u2800\ufeff")
"""Text of a link that nobody would see to be one."""

_MARKDOWN = re.compile(
    r"(!?)\[([^\[\]]{0,500})\]\([ \t]{0,2}<?"
    r"((?:[^\s()<>\[\]]|\([^\s()<>\[\]]{0,200}\)){1,2048}+)>?(?:[ \t\n]++[^()\[\]\n]{0,300})?\)"
)
_REFERENCE = re.compile(
    r"^[ ]{0,3}\[([^\[\]\n]{1,100})\]:[ \t]{1,4}<?([^\s<>]{1,2048})>?[^\n]{0,300}$", re.M
)
_REFERRING = re.compile(r"\[([^\[\]]{1,500})\] ?\[([^\[\]]{0,100})\]")
_EMPHASIS = re.compile(r"(?<=[A-Za-z0-9.-])(?<!\bh)(?:\*\*|__|~~|`)(?=[A-Za-z0-9.-])")
"""Emphasis inside a word, which only parts it: ``exa**mp**le.com``."""
_BB_TAG = (
    r"\[/?(?:b|i|u|s|center|left|right|quote|code|color|size|font|sub|sup|align|highlight|bg|h[1-6]|spoiler"
    r"|hide|list|li|\*|table|tr|td|email)(?:=[^\[\]\n]{0,60})?\]"
)
_BB_TAGS = re.compile(_BB_TAG, re.I)
_BB_HIDING = re.compile(
    r"\[(color|size|font|hide)(?:=[\"']?(white|#fff(?:fff)?|transparent|0|1|[01]p[xt])[\"']?)?\]",
    re.I,
)
_BBCODE = re.compile(
    r"\[url(?:=[\"']?([^\[\]\s\"']{1,2048})[\"']?)?\]"
    rf"((?:[^\[\]]|{_BB_TAG}|\[/?img[^\[\]]{{0,20}}\]){{0,500}}+)\[/url\]",
    re.I,
)
_URL_IN_SCRIPT = re.compile(r"https?://[^\s'\"<>)\\]{1,2048}", re.I)


class Markup(NamedTuple):
    """A text without its markup.

    Attributes:
        text: The words, with those under links.
        loose: The same without what stands under links: where plain URLs are looked for, so that
            a URL shown as its own anchor counts once.
        links: The links of the markup.
    """

    text: str
    loose: str
    links: tuple[Link, ...] = ()


def read_markup(text: str) -> Markup:
    """Read a text that may be HTML, Markdown, BBCode, several of them, or none."""
    if "<" in text and _LOOKS_LIKE_HTML.search(text):
        read = _read_html(text)
    elif "&" in text and ";" in text:
        decoded = _decoded(text)
        read = Markup(decoded, decoded)
    else:
        read = Markup(text, text)
    if "](" in read.loose:
        read = _read_pattern(read, _MARKDOWN)
    if "]:" in read.loose:
        read = _read_references(read)
    if "[/" in read.loose:
        read = _read_pattern(read, _BBCODE)
        read = Markup(_BB_TAGS.sub("", read.text), _BB_TAGS.sub("", read.loose), read.links)
    if "**" in read.loose or "__" in read.loose or "~~" in read.loose or "`" in read.loose:
        read = Markup(_EMPHASIS.sub("", read.text), _EMPHASIS.sub("", read.loose), read.links)
    return read


@dataclass(slots=True)
class _Page:
    """What an HTML text has shown so far."""

    text: list[str] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    anchor: list[str] | None = None
    """The text since the last ``<a href>``, which is ``href``."""
    href: str = ""
    href_hidden: str | None = None
    hidden_tag: str = ""
    """The outermost element that hides what is in it, and how deep we are in its like."""
    hidden_by: str | None = None
    depth: int = 0
    colored_tag: str = ""
    """The outermost element with a ground that is not white, likewise."""
    colored_depth: int = 0
    rules: dict[str, str] = field(default_factory=dict)
    """What the page's style sheets hide, by selector."""

    def say(self, words: str) -> None:
        self.text.append(words)
        (self.loose if self.anchor is None else self.anchor).append(words)

    def add(
        self, url: str, *, anchor: str = "", hidden: str | None, embedded: bool = False
    ) -> None:
        if len(self.links) >= MAX_LINKS:
            return
        decoded = _decoded(url)
        if decoded.lstrip()[:11].lower() == "javascript:":
            found = _URL_IN_SCRIPT.search(decoded)
            decoded = found[0] if found else ""
        if link := parse_link(
            decoded, source="html", anchor=anchor, hidden=hidden, embedded=embedded
        ):
            self.links.append(link)

    def close_anchor(self) -> None:
        if self.anchor is None:
            return
        shown = "".join(self.anchor)
        self.anchor = None
        if self.href:
            anchor = shown[:MAX_ANCHOR_CHARS].strip()
            hidden = self.href_hidden
            if anchor in _SIGN_ANCHORS and hidden is None:
                hidden = f"text of the link: {anchor}"
            self.add(self.href, anchor=anchor, hidden=hidden)
        self.loose.append(shown if len(shown) > MAX_ANCHOR_CHARS or not self.href else " ")


def _read_html(text: str) -> Markup:
    page, at, end, tags = _Page(), 0, len(text), 0
    while at < end:
        tags += 1
        if tags > MAX_TAGS:
            page.say(text[at:])
            break
        opened = text.find("<", at)
        if opened < 0:
            opened = end
        if opened > at:
            page.say(_decoded(text[at:opened]))
        if opened == end:
            break
        if text.startswith("<!--", opened):
            closed = text.find("-->", opened)
            at = end if closed < 0 else closed + 3
            continue
        name = _TAG_NAME.match(text, opened + 1)
        closed = _tag_end(text, opened) if name else -1
        if name is None or closed < 0:
            page.say("<")
            at = opened + 1
            if name and text.find(">", at) < 0:  # no tag can follow
                page.say(_decoded(text[at:]))
                break
            continue
        at = closed + 1
        tag = name[1].lower()
        if name[0].startswith("/"):
            _close(page, tag)
        else:
            _open(page, tag, text[name.end() : closed][:MAX_TAG_CHARS])
            if unread := _UNREAD.get(tag):
                skipped = unread.search(text, at)
                inside, at = at, skipped.start() if skipped else end
                if tag == "style":
                    page.rules |= style_rules(text[inside:at][:MAX_SHEET_CHARS])
    page.close_anchor()
    return Markup("".join(page.text), "".join(page.loose), tuple(page.links))


def _open(page: _Page, tag: str, inside: str) -> None:
    if tag in _BLOCKS:
        page.say("\n")
    if tag in _SPELT:
        page.say(f"[{tag}]")
    attributes = _attributes(inside) if inside.strip(" /") else {}
    page.colored_depth += tag == page.colored_tag
    hiding = None
    if attributes:
        if not page.colored_tag and tag not in _VOID and is_colored(attributes):
            page.colored_tag, page.colored_depth = tag, 1
        hiding = hidden_by(attributes, page.rules, on_white=not page.colored_tag)
    if page.hidden_by is None and hiding and tag not in _VOID:
        page.hidden_tag, page.hidden_by, page.depth = tag, hiding, 1
    elif page.hidden_by is not None and tag == page.hidden_tag:
        page.depth += 1
    _link(page, tag, attributes, page.hidden_by or hiding)


def _link(page: _Page, tag: str, attributes: dict[str, str], hidden: str | None) -> None:
    if tag == "a":
        page.close_anchor()
        href = attributes.get("href") or attributes.get("xlink:href") or ""
        if called := _CALLED.match(href):
            page.say(f" {called[1]}: {called[2]} ")
        page.anchor, page.href, page.href_hidden = [], href, hidden
    elif tag == "meta" and (refresh := _REFRESH.match(attributes.get("content", ""))):
        page.add(refresh[1], hidden=None)
    elif (name := _LINKS.get(tag)) and name in attributes:
        page.add(attributes[name], hidden=hidden)
    elif (name := _EMBEDS.get(tag)) and name in attributes:
        page.add(attributes[name], hidden=hidden, embedded=True)


def _close(page: _Page, tag: str) -> None:
    if tag == "a":
        page.close_anchor()
    if tag in _BLOCKS:
        page.say("\n")
    if page.hidden_by is not None and tag == page.hidden_tag:
        page.depth -= 1
        if page.depth == 0:
            page.hidden_by = None
    if tag == page.colored_tag:
        page.colored_depth -= 1
        if page.colored_depth == 0:
            page.colored_tag = ""


def _tag_end(text: str, opened: int) -> int:
    """Where the tag's ``>`` stands; one inside a quoted value does not count.

    A tag over ``MAX_TAG_CHARS`` ends at its first ``>``; -1 if there is none.
    """
    if end := _TAG_END.match(text, opened, opened + MAX_TAG_CHARS):
        return end.end() - 1
    return text.find(">", opened)


def _attributes(inside: str) -> dict[str, str]:
    """Attributes by name, the first of each, as browsers do."""
    attributes: dict[str, str] = {}
    for name, value in _ATTRIBUTE.findall(inside):
        attributes.setdefault(name.lower(), value.strip("\"'"))
    return attributes


def _read_references(read: Markup) -> Markup:
    """Markdown's ``[text][1]`` with ``[1]: https://example.org`` below."""
    targets = {found[1].lower(): found[2] for found in _REFERENCE.finditer(read.loose)}
    if not targets:
        return read
    links = list(read.links)

    def take(found: re.Match[str]) -> str:
        target = targets.get((found[2] or found[1]).lower())
        link = parse_link(target, source="markdown", anchor=found[1].strip()) if target else None
        if link is None or len(links) >= MAX_LINKS:
            return found[0]
        links.append(link)
        return " "

    loose = _REFERRING.sub(take, read.loose)
    if len(links) > len(read.links):
        loose = _REFERENCE.sub(" ", loose)
    text = _REFERRING.sub(r"\1", read.text) if links else read.text
    return Markup(text, loose, tuple(links))


def _read_pattern(read: Markup, pattern: re.Pattern[str]) -> Markup:
    links = list(read.links)
    source: LinkSource = "markdown" if pattern is _MARKDOWN else "bbcode"
    hides = _hidden_in_bbcode(read.loose) if pattern is _BBCODE else None

    def take(found: re.Match[str]) -> str:
        hidden = None
        if pattern is _MARKDOWN:
            embedded, anchor, url = bool(found[1]), found[2], found[3]
        else:
            embedded, anchor = False, _BB_TAGS.sub("", found[2])
            url = found[1] or anchor
            hidden = hides(found) if hides else None
        if len(links) < MAX_LINKS and (
            link := parse_link(
                url, source=source, anchor=anchor.strip(), hidden=hidden, embedded=embedded
            )
        ):
            links.append(link)
            return " "
        return found[0]

    def words(found: re.Match[str]) -> str:
        return found[2]

    text, loose = _replaced(read.text, pattern, words), _replaced(read.loose, pattern, take)
    return Markup(text, loose, tuple(links))


def _replaced(text: str, pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str]) -> str:
    """``pattern.sub``, that looks only where there are brackets: a pattern is slow to say no."""
    begin, end = text.find("["), max(text.rfind("]"), text.rfind(")")) + 1
    parts: list[str] = []
    at = 0
    for found in pattern.finditer(text, max(0, begin - 1), end) if begin >= 0 else ():
        parts += (text[at : found.start()], replace(found))
        at = found.end()
    return "".join((*parts, text[at:])) if parts else text


def _hidden_in_bbcode(text: str) -> Callable[[re.Match[str]], str | None] | None:
    """Says of a match in ``text`` what hides it: white or tiny letters, around it or in it."""
    spans: list[tuple[int, int, str]] = []
    for found in _BB_HIDING.finditer(text):
        if found[2] is None and found[1].lower() != "hide":
            continue
        closed = text.find(f"[/{found[1].lower()}]", found.end())
        spans.append((found.start(), closed if closed >= 0 else len(text), found[0]))
        if len(spans) == MAX_SPANS:
            break
    if not spans:
        return None
    starts = [start for start, _, _ in spans]

    def hides(link: re.Match[str]) -> str | None:
        at = bisect_right(starts, link.start()) - 1
        if at >= 0 and link.start() < spans[at][1]:
            return spans[at][2]
        within = at + 1 < len(spans) and spans[at + 1][0] < link.end()
        return spans[at + 1][2] if within else None

    return hides


def _decoded(text: str) -> str:
    """Character references decoded; ``int`` refuses a number of thousands of digits."""
    if "&" not in text:
        return text
    if "&#" in text:
        text = _ENDLESS_NUMBER.sub("\ufffd", text)
    text = unescape(text)
    return unescape(text) if "&#" in text else text
