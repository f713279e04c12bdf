"""What a text shares with other texts of one hand: contacts, near copies, templates, titles.

Each is a facet that the rules of the ruleset count over accounts, as they count devices. None of
it depends on a language: words are what stands between spaces, names what begins with a capital.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from itertools import compress
from operator import eq

from contracts.event import Event
from contracts.ruleset import TextFacetKind
from detectors.contact import Contact
from detectors.content import Content
from detectors.sketch import bands
from detectors.wording import Wording, plain_words

MAX_CONTACTS = 10
"""Contacts of one text that are counted; a directory of phone numbers is no campaign."""
MIN_TEMPLATE_BYTES = 60
MIN_LINKED_TEMPLATE_BYTES = 20
"""Strangers say the same in a few words ("who listens to this in 2026?"), but they do not put a
link, a phone number or a wallet behind it."""
FRAME_WORDS = 4
FRAME_CHARS = 6
"""In scripts that write no spaces a title's frame is made of characters."""
SHOWN_WORDS, SHOWN_CHARS = 12, 60

_NANP_DIGITS = 11
_COUNTED_CONTACTS = frozenset({"phone", "support_number", "messenger", "wallet"})
"""A handle on a social network is on the pages of all who take part in an event."""


class TextFacets:
    """Makes the facets of the kinds that are asked for.

    They come in this order: contact, near_text, text_template, title_template.
    """

    def __init__(self, kinds: frozenset[TextFacetKind]) -> None:
        self._contacts = "contact" in kinds
        self._near = "near_text" in kinds
        self._template = "text_template" in kinds
        self._title = "title_template" in kinds
        self._whole = self._near or self._template
        self.any = bool(kinds)
        """Whether any kind is asked for."""

    def of(self, event: Event, content: Content, wording: Wording) -> Iterator[str]:
        """The facets of a text, each once; none of an event that says nothing.

        Args:
            event: A post or a signup.
            content: What ``read_content`` made of it.
            wording: What ``read_wording`` made of that.
        """
        if self._contacts and content.contacts:
            for value in _contact_values(content.contacts):
                yield f"contact:{value}"
        if wording.words:
            if self._near:
                for band in bands(b"".join(wording.words)):
                    yield f"near_text:{band}"
            if self._template:
                has_way_out = bool(content.links or content.contacts)
                if slots := template(wording, linked=has_way_out):
                    yield f"text_template:{slots}"
        if self._title and event.type == "post" and event.title:
            for frame in title_frames(event.title):
                yield f"title_template:{frame}"


def template(wording: Wording, *, linked: bool) -> str | None:
    """What is left of a text without what fills its slots: names, numbers, addresses.

    Where a language writes names with a capital, all capitalised words are taken for slots, and
    the small words between them are the template. A text of nothing else, as those who shout write
    it, is its own template.

    Args:
        wording: Of the text.
        linked: Whether it has a link or a contact: then fewer words tell.

    Returns:
        Its beginning, to be read by people, and 64 bits of a hash of all of it; None where it is
        too short to tell.
    """
    least = MIN_LINKED_TEMPLATE_BYTES if linked else MIN_TEMPLATE_BYTES
    words = wording.words
    small = [*compress(words, map(eq, words, wording.written))]
    for kept in (small, words):
        letters = b"".join(kept).replace(b"0", b"")
        if len(letters) >= least:
            begins = b" ".join(kept[:SHOWN_WORDS]).replace(b"0", b"").split()
            shown = b" ".join(begins).decode("utf-8", "ignore")[:SHOWN_CHARS]
            return f"{shown} ~{blake2b(letters, digest_size=8).hexdigest()}"
    return None


def title_frames(title: str) -> Iterator[str]:
    """How a title begins and how it ends: what ``Chiefs vs Bills live stream free HD`` shares.

    Four words of each, every number a ``#``; where nothing is written between words, six
    characters. A title with less is no template.
    """
    words = [
        "#" if word.isdigit() else word.decode("utf-8", "replace") for word in plain_words(title)
    ]
    if len(words) > FRAME_WORDS:
        yield f"{' '.join(words[:FRAME_WORDS])} …"
        yield f"… {' '.join(words[-FRAME_WORDS:])}"
        return
    joined = "".join(words)
    if len(joined) > FRAME_CHARS and not joined.isascii():
        yield f"{joined[:FRAME_CHARS]}…"
        yield f"…{joined[-FRAME_CHARS:]}"


def _contact_values(contacts: tuple[Contact, ...]) -> list[str]:
    values = dict.fromkeys(
        _contact_value(contact) for contact in contacts if contact.kind in _COUNTED_CONTACTS
    )
    return list(values)[:MAX_CONTACTS]


def _contact_value(contact: Contact) -> str:
    """A number without what says that it is abroad; a handle in lower case; a wallet as it is."""
    if contact.kind == "wallet":
        return contact.value
    value = contact.value.removeprefix("+").lower()
    if len(value) == _NANP_DIGITS and value[0] == "1":  # the same with and without the country
        return value[1:]
    return value
