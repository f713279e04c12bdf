"""HTML, Markdown and BBCode, read for their text and their links.

Not a parser of any of them: what a post is written in is not known, and often it is a mixture. One
pass over the tags, in time linear in the text (docs/decisions/0040).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import NamedTuple

from detectors.url import Link, LinkSource, parse_link

MAX_TAG_CHARS = 8_192
MAX_ANCHOR_CHARS = 500
"""Text under a longer link is read as text too: an ``<a>`` that is never closed hides nothing."""
MAX_LINKS = 2_000
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
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr")
)
_UNREAD = {
    name: re.compile(f"</{name}", re.I)
    for name in ("script", "style", "template", "textarea", "xmp", "noembed")
}
_EMBEDS = {"img": "src", "iframe": "src", "embed": "src", "video": "src", "source": "src"}
_LINKS = {"a": "href", "area": "href", "form": "action"}

_HIDING_STYLE = re.compile(
    r"(?:^|[;\s\"'])(?:"
    r"display\s*+:\s*+none|visibility\s*+:\s*+(?:hidden|collapse)|opacity\s*+:\s*+0*\.?0*+(?![.\d%])"
    r"|font-size\s*+:\s*+[01](?:\.\d{1,3})?(?:px|pt|%|em|rem)?(?![\d.a-z%])(?<!1em)(?<!1rem)"
    r"|(?:left|top|text-indent|margin-left|margin-top)\s*+:\s*+-\d{3,6}(?:px|em|rem|pt|%|vw)?"
    r"|(?:max-)?(?:height|width)\s*+:\s*+[01]px(?![\d.])"
    r")",
    re.I,
)

_MARKDOWN = re.compile(
    r"(!?)\[([^\[\]]{0,500})\]\([ \t]{0,2}<?"
    r"((?:[^\s()<>\[\]]|\([^\s()<>\[\]]{0,200}\)){1,2048}+)>?(?:[ \t\n]++[^()\[\]\n]{0,300})?\)"
)
_BBCODE = re.compile(
    r"\[url(?:=[\"']?([^\[\]\s\"']{1,2048})[\"']?)?\]([^\[\]]{0,500})\[/url\]", re.I
)


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
    if "[/" in read.loose:
        read = _read_pattern(read, _BBCODE)
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

    def say(self, words: str) -> None:
        self.text.append(words)
        (self.loose if self.anchor is None else self.anchor).append(words)

    def add(
        self, url: str, *, anchor: str = "", hidden: str | None, embedded: bool = False
    ) -> None:
        if len(self.links) < MAX_LINKS and (
            link := parse_link(
                _decoded(url), source="html", anchor=anchor, hidden=hidden, embedded=embedded
            )
        ):
            self.links.append(link)

    def close_anchor(self) -> None:
        if self.anchor is None:
            return
        shown = "".join(self.anchor)
        self.anchor = None
        if self.href:
            self.add(self.href, anchor=shown[:MAX_ANCHOR_CHARS].strip(), hidden=self.href_hidden)
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
                at = skipped.start() if skipped else end
    page.close_anchor()
    return Markup("".join(page.text), "".join(page.loose), tuple(page.links))


def _open(page: _Page, tag: str, inside: str) -> None:
    if tag in _BLOCKS:
        page.say("\n")
    attributes = _attributes(inside) if inside.strip(" /") else {}
    hiding = _hiding(attributes) if attributes else None
    if page.hidden_by is None and hiding and tag not in _VOID:
        page.hidden_tag, page.hidden_by, page.depth = tag, hiding, 1
    elif page.hidden_by is not None and tag == page.hidden_tag:
        page.depth += 1
    hidden = page.hidden_by or hiding
    if tag == "a":
        page.close_anchor()
        page.anchor, page.href, page.href_hidden = [], attributes.get("href", ""), hidden
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


def _hiding(attributes: dict[str, str]) -> str | None:
    """What hides an element, if anything does."""
    if "hidden" in attributes:
        return "hidden attribute"
    style = attributes.get("style")
    if style and (found := _HIDING_STYLE.search(style)):
        return found[0].strip(" ;\"'")
    return None


def _read_pattern(read: Markup, pattern: re.Pattern[str]) -> Markup:
    links = list(read.links)
    source: LinkSource = "markdown" if pattern is _MARKDOWN else "bbcode"

    def take(found: re.Match[str]) -> str:
        if pattern is _MARKDOWN:
            embedded, anchor, url = bool(found[1]), found[2], found[3]
        else:
            embedded, anchor, url = False, found[2], found[1] or found[2]
        if len(links) < MAX_LINKS and (
            link := parse_link(url, source=source, anchor=anchor.strip(), embedded=embedded)
        ):
            links.append(link)
            return " "
        return found[0]

    def words(found: re.Match[str]) -> str:
        return found[2]

    return Markup(pattern.sub(words, read.text), pattern.sub(take, read.loose), tuple(links))


def _decoded(text: str) -> str:
    """Character references decoded; ``int`` refuses a number of thousands of digits."""
    if "&" not in text:
        return text
    if "&#" in text:
        text = _ENDLESS_NUMBER.sub("\ufffd", text)
    return unescape(text)
