"""Links, addresses and numbers spelt so that no machine should see them, spelt as they are meant.

Each way of spelling has a cheap hint that a text may hold it: most texts hold none, and cost a few
substring searches.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from detectors.backwards import may_be_backwards, turned
from detectors.dot_com import foreign_com, foreign_dot_coms
from detectors.hint import Hint, Hints, hints_of
from detectors.number_word import has_spelt_number, with_digits

Sign = Callable[[str], object]
Way = Callable[[str], tuple[str, int]]

_TLDS = (
    "com|net|org|info|biz|io|co|ru|xyz|shop|site|online|club|live|top|me|tv|us|uk|de|fr|es|it|nl|pl|br"
    "|cn|in|eu|ca|au|app|dev|store|click|link|website|space|fun|vip|win|bet|casino|icu|cc|ws|tk|ml|ga"
    "|cf|gq|su|ua|kz|to|ly|gl|page|pro|best|buzz|life|world|today|news|blog|art|cloud|host|press|help"
)
"""Suffixes that are believed after a dot that is spelt out."""
_SURE_TLDS = "com|net|org|biz|info|ru|xyz|co\\.uk|com\\.br"
"""Those that are also believed after a dot with blanks around, which may be a sentence's."""
_OTHER_DOT_WORDS = (
    "punkt",
    "punto",
    "ponto",
    "\u0442\u043e\u0447\u043a\u0430",
    "\u70b9",
    "\u9ede",
    "\u30c9\u30c3\u30c8",
    "\ub2f7",
    "nokta",
)
_DOT_WORD = "|".join(("dot", "d0t", "d\u043et", *_OTHER_DOT_WORDS))
_NO_SUFFIX_WORDS = "de|es|in|it|me|to|us|ca|co"
"""Suffixes that are words too: behind "punto", or behind a bracketed full stop with blanks around,
they go on with the sentence."""
_OPEN, _CLOSE = (
    r"[\[({<\u3010\u3014\u300c\u00ab\u2039\u27e8]",
    r"[\])}>\u3011\u3015\u300d\u00bb\u203a\u27e9]",
)

_BRACKETS = re.compile(
    rf"{_OPEN}[ \t]?(?:[.,:@a]|{_DOT_WORD}|d o t|period|point|stop|pt)|[.:][\])}}]|\.[\[({{]", re.I
)
_BRACKETED_COLON = re.compile(r"(?<=p)(s?)[ \t]?[\[({]:(?:[\])}]//|//[\])}])", re.I)
_BRACKETED_DOT = re.compile(
    rf"[ \t]?{_OPEN}[ \t]?(?:[.,]|{_DOT_WORD}|d o t|period|point|punkt|stop|pt)[ \t]?{_CLOSE}"
    rf"(?:(?=\w)|[ \t](?=\w)(?!(?:{_NO_SUFFIX_WORDS})\b))"
    rf"|(?<=\w){_OPEN}\.(?=[a-z0-9])|(?<=\w)\.[\])}}](?=[a-z0-9])",
    re.I,
)
_BRACKETED_TLD = re.compile(rf"(?<=\w)\.[\[({{]({_SURE_TLDS})[\])}}]", re.I)
_BRACKETED_AT = re.compile(rf"(?<=\w)[ \t]?{_OPEN}[ \t]?(?:@|at|a)[ \t]?{_CLOSE}[ \t]?(?=\w)", re.I)

_SCHEME = re.compile(
    r"\b(?:h(?:tt|xx|tx|xt|\*\*|\+\+|__|--|\.\.)|tt)p(s?)[ \t]{0,2}"
    r"(?:[:;][ \t]{0,2}[/\\][ \t]{0,2}[/\\]?|//|:\.\.)[ \t]{0,2}"
    r"(?=[\w\[])",
    re.I,
)

_BETWEEN = r"[ \t]{0,3}[_*~|+/=-]{0,3}[ \t]{0,3}"
_SPOKEN_DOT = re.compile(
    rf"(?<=\w)(?:[ \t]{{1,3}}|[ \t]{{0,2}}[_*~|+/=-]{{1,3}}[ \t]{{0,2}})(?:{_DOT_WORD})"
    rf"(?:[ \t]{{1,3}}|[ \t]{{0,2}}[_*~|+/=-]{{1,3}}[ \t]{{0,2}})"
    rf"(?=(?:[\w-]{{1,63}}(?:[ \t]{{1,3}}(?:{_DOT_WORD})[ \t]{{1,3}}|\.)){{0,3}}"
    rf"(?:{_TLDS})\b(?!'))",
    re.I,
)
_WORDS_BEHIND_DOT = re.compile(rf"[ \t]{{1,3}}p[uo]nto[ \t]{{1,3}}(?:{_NO_SUFFIX_WORDS})\b", re.I)
_QUOTED_DOT = re.compile(r"(?<=[a-z0-9])[ \t]?['\"`]dot['\"`][ \t]?(?=(?:com|net|org|ru)\b)", re.I)
_POINT_COM = re.compile(r"(?<=[a-z0-9]) point (?=(?:com|fr)\b(?!'))", re.I)
_DOT_C_O_M = re.compile(r"\b(dot|d0t) c ?o ?m\b", re.I)
_GLUED_DOT = re.compile(
    r"(?<=[a-z0-9]{3})dot(?=(?:com|net|org|biz|ru)\b)"
    rf"|(?<=[a-z0-9])(?:DOT|\(dot|\u70b9|\u9ede|\u30c9\u30c3\u30c8|\ub2f7)(?=(?:{_TLDS})\b)"
)
_RUSSIAN = {
    "\u0440\u0443": ".ru",
    "\u043a\u043e\u043c": ".com",
    "\u043d\u0435\u0442": ".net",
    "\u043e\u0440\u0433": ".org",
}
_RUSSIAN_TLD = re.compile(
    rf"(?<=[a-z0-9])[\s(\[]{{0,2}}\u0442\u043e\u0447\u043a\u0430[\s)\]]{{0,2}}({'|'.join(_RUSSIAN)})\b",
    re.I,
)
_NOT_A_NAME = re.compile(
    r"(?:\b(?:a|an|the|of|in|on|and|or|for|our|your|new|pre|post|asp|microsoft|using|with|use|by|via|is|to"
    r"|this|that|their|my|his|her|its|as|at|from|into|big|red|every|each|first|last|next)|[^\w]|^)$",
    re.I,
)
_DOT_CHARS = (
    "\u00b7\u2022\u2219\u2e31\u22c5\u30fb\uff65\u25cf\u25cb\u25e6\u26ab\u26aa\u2b24\u2b55\u23fa\u02d9\u201a"
    "\u318d\u2e33\u26ac\u25aa\u25ab\u25a0\u25a1\u25c6\u25fe\u25fd\u23f9\U0001f539\U0001f538\U0001f534\U0001f535\U0001f7e0\U0001f7e2\U0001f7e1\U0001f7e3\U0001f518"
)
_ODD_DOT = re.compile(rf"(?<=[a-z0-9])[ \t]?[{_DOT_CHARS}][ \t]?(?=(?:{_TLDS})\b)", re.I)
_SENTENCE_TLDS = "com|biz|xyz|ru|co\\.uk|com\\.br"
"""Those that are believed even after a sentence's full stop: no sentence begins with them."""
_SPACED_DOT = re.compile(
    rf"(?<=[a-z0-9])(?:[ \t]{{1,3}}\.[ \t]{{0,3}}(?=(?:{_SURE_TLDS})\b(?![.'-]))"
    rf"|[ \t]{{1,3}}\.[ \t]{{1,3}}(?=(?:{_TLDS})\b(?![.'-]))"
    rf"|[ \t]{{1,3}}\.[ \t]{{0,3}}(?=(?:{_TLDS})/\w)"
    rf"|(?<=[a-z0-9]{{4}})\.[ \t\n]{{1,3}}(?=(?:{_SENTENCE_TLDS})\b(?![.'-]))"
    rf"|(?<=[a-z0-9]{{4}})[ \t]?\n\s{{0,3}}\."
    rf"(?=(?:{_SENTENCE_TLDS})\b(?![.'-])(?! (?:b|cr|er|st|do))))"
)
"""The last: a domain broken over two paragraphs, and not the .com boom, era or startups."""
_MESSENGER_LINK = re.compile(r"\b(t|wa)[ \t]{0,2}\.[ \t]{0,2}me[ \t]{0,2}/[ \t]{0,2}(?=\w)", re.I)
_DECORATED_DOT = re.compile(
    rf"(?<=[a-z0-9])(?:[ \t]{{0,2}}[\"'+*~|_-][ \t]?\.[ \t]?[\"'+*~|_-]?[ \t]{{0,2}}|\.{{2,3}})"
    rf"(?=(?:{_SURE_TLDS})\b(?![.'-]))",
    re.I,
)
_COMMA = re.compile(
    rf"(?<=[a-z0-9])(?:,(?=(?:{_SURE_TLDS})\b(?![\w'-]))|;(?=(?:{_SENTENCE_TLDS})\b(?![\w'-])))",
    re.I,
)
"""A list has "pens;paper;net" and no blank."""
_COMMA_NUMBER = re.compile(r"(?<![\d,.])(?:(\+?1),(\d{3})|()(8(\d)\5)),(\d{3}),(\d{4})(?![\d,])")
"""Groups of three and then four digits: no figure is written so."""
_ESCAPED_SLASHES = re.compile(r"(?<=p|s)(?:%3a%2f%2f|:\\/\\/)", re.I)
_ESCAPED_DOT = re.compile(r"(?<=\w)(?:\\\.|%2e)(?=\w)", re.I)
_WWW = re.compile(
    rf"\bwww(?:[ \t]{{0,2}}(?:\.|,|dot)[ \t]{{1,2}}|[ \t]{{1,3}}(?:(?:\.|,|dot)[ \t]{{0,2}})?)"
    rf"(?:(?:https?://)?([a-z0-9-]{{2,63}}))[ \t]{{0,2}}(?:\.|,|dot|[ \t])[ \t]{{0,2}}({_TLDS})\b",
    re.I,
)
_WWW_BLANK = re.compile(
    rf"\b(www\.[a-z0-9-]{{2,63}})[ \t]{{1,2}}({_SENTENCE_TLDS}|org|net)\b(?!\.)", re.I
)
_SPLIT_TLD = re.compile(
    r"(?<=[a-z0-9])\.[ ]?(c[ ]?o[ ]?m|n[ ]?e[ ]?t|o[ ]?r[ ]?g|c0m|0rg|n3t)\b(?!\.)", re.I
)
_MEANT_TLD = {"c0m": "com", "0rg": "org", "n3t": "net"}

_PARTED_LETTERS = re.compile(r" [^\W_] [^\W_] [^\W_]\b| \. [^\W_] [^\W_]\b")
_LETTERS = re.compile(r"(?<![^\s])[^\W_](?: [^\W_]| ?\.| [@/:-]){3,}(?!\S)")


def refanged(text: str, hints: Hints | None = None) -> tuple[str, int]:
    """Write ``hxxp://example[.]com`` and ``example dot com`` as they are meant, and count them.

    Linear in the text's length.

    Args:
        text: The text.
        hints: Those that it has, where they are at hand.
    """
    hints = hints_of(text) if hints is None else hints
    if _DISGUISES.isdisjoint(hints):
        return text, 0
    low = text.lower()
    count = 0
    if Hint.ODD_SCHEME in hints and _has_broken_scheme(low):
        text, count = _schemes(text)
    for hint, has_sign, way in _WAYS:
        if (hint in hints or Hint.FOREIGN in hints) and has_sign(low):
            text, times = way(text)
            count += times
    if Hint.ODD_DOT in hints and _ODD_DOT_SIGN.search(low):
        for way in _DOT_WAYS:
            text, times = way(text)
            count += times
    if Hint.FOREIGN in hints:
        for has_foreign_sign, way in _FOREIGN_WAYS:
            if has_foreign_sign(text):
                text, times = way(text)
                count += times
    return text, count


def _has_broken_scheme(low: str) -> bool:
    return low.count(":/") > low.count("://") or " ttp" in low or low.startswith("ttp")


def _brackets(text: str) -> tuple[str, int]:
    if not _BRACKETS.search(text):
        return text, 0
    text, colons = _BRACKETED_COLON.subn(r"\1://", text)
    text, dots = _BRACKETED_DOT.subn(".", text)
    text, suffixes = _BRACKETED_TLD.subn(r".\1", text)
    text, ats = _BRACKETED_AT.subn("@", text)
    return text, colons + dots + suffixes + ats


def _schemes(text: str) -> tuple[str, int]:
    count = 0

    def plain(found: re.Match[str]) -> str:
        nonlocal count
        meant = f"http{found[1].lower()}://"
        count += found[0].lower() != meant and "\\" not in found[0]
        return meant if found[0].lower() != meant and "\\" not in found[0] else found[0]

    return _SCHEME.sub(plain, text), count


def _spoken(text: str) -> tuple[str, int]:
    count = 0

    def dot(found: re.Match[str]) -> str:
        nonlocal count
        if _NOT_A_NAME.search(text[max(0, found.start() - 12) : found.start()]):
            return found[0]
        if _WORDS_BEHIND_DOT.match(text, found.start()):
            return found[0]
        count += 1
        return "."

    spoken = _SPOKEN_DOT.sub(dot, _DOT_C_O_M.sub(r"\1 com", text) if "c o" in text else text)
    if "\u0442\u043e\u0447\u043a\u0430" in spoken:
        spoken, russian = _RUSSIAN_TLD.subn(lambda found: _RUSSIAN[found[1].lower()], spoken)
        count += russian
    spoken, glued = _GLUED_DOT.subn(".", spoken)
    spoken, quoted = _QUOTED_DOT.subn(".", spoken)
    return spoken, count + glued + quoted


def _points(text: str) -> tuple[str, int]:
    return _POINT_COM.subn(".", text)


def _spaced(text: str) -> tuple[str, int]:
    count = 0

    def dot(found: re.Match[str]) -> str:
        nonlocal count
        if _NOT_A_NAME.search(text[max(0, found.start() - 12) : found.start()]):
            return found[0]
        count += 1
        return "."

    spaced = _SPACED_DOT.sub(dot, text)
    if "me" in spaced:
        spaced = _MESSENGER_LINK.sub(r"\1.me/", spaced)
    return spaced, count


def _odd_dots(text: str) -> tuple[str, int]:
    return _ODD_DOT.subn(".", text)


def _decorated_dots(text: str) -> tuple[str, int]:
    return _DECORATED_DOT.subn(".", text)


def _commas(text: str) -> tuple[str, int]:
    return _COMMA.subn(".", text)


def _comma_numbers(text: str) -> tuple[str, int]:
    return _COMMA_NUMBER.sub(
        lambda found: "-".join(filter(None, found.group(1, 2, 4, 6, 7))), text
    ), 0


def _escaped(text: str) -> tuple[str, int]:
    text = _ESCAPED_SLASHES.sub("://", text)
    return _ESCAPED_DOT.subn(".", text)


def _www(text: str) -> tuple[str, int]:
    text, apart = _WWW.subn(r"www.\1.\2", text)
    text, blanks = _WWW_BLANK.subn(r"\1.\2", text)
    return text, apart + blanks


def _split_tlds(text: str) -> tuple[str, int]:
    count = 0

    def whole(found: re.Match[str]) -> str:
        nonlocal count
        written = found[1].lower()
        meant = written.replace(" ", "")
        meant = _MEANT_TLD.get(meant, meant)
        count += meant != written
        return f".{meant}" if meant != written else found[0]

    return _SPLIT_TLD.sub(whole, text), count


def _letters(text: str) -> tuple[str, int]:
    count = 0

    def joined(found: re.Match[str]) -> str:
        nonlocal count
        word = found[0].replace(" ", "")
        if word.isdecimal() or not any(map(str.isalpha, word)):
            return found[0]
        count += "." in word
        return word

    return _LETTERS.sub(joined, text), count


def _has_any(*signs: str) -> Sign:
    return lambda low: any(sign in low for sign in signs)


_ODD_DOT_SIGN = re.compile(
    r"\.(?:(?<=[ \n\"'+*~|_\\]\.)|[)\]}({.]|c0m|0rg|n3t|c o|co m|n e|ne t|o r|or g"
    r"|[ \n](?:com|net|org|biz|info|ru|xyz|co\.uk|c o|n e|o r)\b)"
)
"""A dot that stands otherwise than a sentence's or a name's."""
_DOT_WAYS = (_brackets, _spaced, _decorated_dots, _escaped, _split_tlds)

_WAYS: tuple[tuple[Hint, Sign, Way], ...] = (
    (Hint.BRACKETS, _has_any("[", "(", "{", "<"), _brackets),
    (
        Hint.ODD_SCHEME,
        re.compile(r"h(?:(?:xx|tx|xt|\*\*|\+\+|__|--|\.\.)p|ttps?+(?!://[\w\[]))").search,
        _schemes,
    ),
    (Hint.PARTED_LETTERS, _PARTED_LETTERS.search, _letters),
    (Hint.SPELT_DOT, _has_any("dot", "d0t", "punkt", "punto", "ponto", "nokta"), _spoken),
    (Hint.SPELT_DOT, _has_any(" point com", " point fr"), _points),
    (Hint.COMMA, re.compile(rf",(?:{_SURE_TLDS})").search, _commas),
    (Hint.COMMA, re.compile(rf";(?:{_SENTENCE_TLDS})").search, _commas),
    (Hint.COMMA, re.compile(r",[0-9]{3},[0-9]{4}(?![0-9,])").search, _comma_numbers),
    (Hint.ESCAPED, _has_any("%", "\\"), _escaped),
    (Hint.WWW, _has_any("www"), _www),
    (Hint.SPELT_NUMBER, has_spelt_number, with_digits),
    (Hint.BACKWARDS, may_be_backwards, turned),
)
"""What a text has that holds a way of spelling, roughly and more closely, and what undoes it."""
_DISGUISES = frozenset({Hint.FOREIGN, Hint.ODD_DOT, *(hint for hint, _, _ in _WAYS)})

_FOREIGN_WAYS = (
    (foreign_com.search, foreign_dot_coms),
    (re.compile("[\u3010\u3014\u300c\u00ab\u2039\u27e8]").search, _brackets),
    (re.compile("|".join(("d\u043et", *_OTHER_DOT_WORDS[3:])), re.I).search, _spoken),
    (re.compile(f"[{_DOT_CHARS}]").search, _odd_dots),
)
