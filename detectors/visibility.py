"""What hides a part of a page from its readers: inline styles, simple style sheets, attributes."""

from __future__ import annotations

import re
from collections.abc import Mapping

MAX_RULES = 200

_HIDING = re.compile(
    r"(?:^|[;\s\"'{])(?:"
    r"display\s*+:\s*+none|visibility\s*+:\s*+(?:hidden|collapse)"
    r"|(?:opacity|filter\s*+:\s*+opacity)\s*+[:(]\s*+(?:0*\.0\d*+|0++)(?![.\d%])"
    r"|font(?:-size)?\s*+:\s*+(?:(?:0*+\.\d{1,3}|[01](?:\.\d{1,3})?)(?:px|pt|%)"
    r"|(?:0*+\.[0-3]\d{0,2}|0(?:\.[0-3]\d{0,2})?)(?:em|rem)?)(?![\d.a-z%])"
    r"|(?:left|right|top|bottom|text-indent|margin-left|margin-top)\s*+:\s*+-\d{3,6}(?:px|em|rem|pt|%|vw)?"
    r"|(?:left|right|top|bottom|text-indent|margin-left|margin-top)\s*+:\s*+-\d{2}(?:em|rem)"
    r"|(?:max-)?(?:height|width|line-height)\s*+:\s*+(?:[01]px|0)(?![.\d%a-z])"
    r"|transform\s*+:\s*+scale(?:3d|x|y)?\(\s*+0|clip-path\s*+:\s*+(?:inset\(\s*+(?:100|[5-9]\d)%|circle\(\s*+0)"
    r"|clip\s*+:\s*+rect\(\s*+[01](?:px)?[\s,]++[01](?:px)?[\s,]++[01](?:px)?[\s,]++[01]"
    r")",
    re.I,
)
_COLOR = re.compile(r"(?:^|[;\s\"'{])color\s*+:\s*+([^;!}\"']{1,40})", re.I)
_BACKGROUND = re.compile(
    r"(?:^|[;\s\"'{])background(?:-color|-image)?\s*+:\s*+([^;!}\"']{1,200})", re.I
)
_WHITE = re.compile(
    r"(?:#f{3,4}|#f{6}(?:f{2})?|white|snow|#fefefe|#fdfdfd|#fcfcfc|rgba?\(\s*+255[\s,]++255[\s,]++255(?:[\s,/]++1)?\s*+\)"
    r"|hsl\([^)]{0,20}100%\s*+\))",
    re.I,
)
_CLEAR = re.compile(
    r"transparent|rgba\([^)]{0,30},\s*+0?\.?0*+\s*+\)|#[0-9a-f]{6}00|#[0-9a-f]{3}0", re.I
)
_HIDING_CLASSES = frozenset(("hidden", "d-none", "is-hidden", "display-none", "invisible", "hide"))
_RULE = re.compile(r"([^{}]{1,300})\{([^{}]{0,1000})\}")
_SELECTOR = re.compile(r"[.#]?[\w-]{1,60}")


def hidden_by(
    attributes: Mapping[str, str], rules: Mapping[str, str], *, on_white: bool
) -> str | None:
    """What hides an element, if anything does.

    Args:
        attributes: The element's own.
        rules: What ``style_rules`` found, by selector.
        on_white: Whether the page behind the element is white, as pages are unless they say not.
    """
    if "hidden" in attributes:
        return "hidden attribute"
    classes = attributes.get("class", "").split()
    for name in classes:
        if name.lower() in _HIDING_CLASSES:
            return f"class {name}"
    if rules:
        for selector in (*(f".{name}" for name in classes), f"#{attributes.get('id', '')}"):
            if found := rules.get(selector):
                return found
    style = attributes.get("style")
    if style and (hiding := _HIDING.search(style)):
        return hiding[0].strip(" ;\"'{")
    return _unseen_color(style or "", attributes, on_white=on_white)


def is_colored(attributes: Mapping[str, str]) -> bool:
    """Whether an element lays something over the white of the page."""
    ground = attributes.get("bgcolor", "") or attributes.get("background", "")
    if not ground and (found := _BACKGROUND.search(attributes.get("style", ""))):
        ground = found[1]
    ground = ground.strip()
    return (
        bool(ground)
        and not _WHITE.fullmatch(ground)
        and not _CLEAR.fullmatch(ground)
        and (ground.lower() not in {"none", "inherit", "initial", "unset"})
    )


def style_rules(sheet: str) -> dict[str, str]:
    """Of a style sheet's rules those that hide, by simple selector; the first ``MAX_RULES``."""
    rules: dict[str, str] = {}
    for found in _RULE.finditer(sheet):
        hiding = _HIDING.search(found[2])
        why = hiding[0].strip(" ;\"'{\n") if hiding else _unseen_color(found[2], {}, on_white=True)
        if why is None:
            continue
        for selector in found[1].split(","):
            name = selector.strip()
            if _SELECTOR.fullmatch(name) and name[0] in ".#":
                rules[name] = why
        if len(rules) >= MAX_RULES:
            break
    return rules


def _unseen_color(style: str, attributes: Mapping[str, str], *, on_white: bool) -> str | None:
    found = _COLOR.search(style)
    color = (found[1] if found else attributes.get("color", "")).strip()
    if not color:
        return None
    if _CLEAR.fullmatch(color):
        return f"color: {color}"
    ground = _BACKGROUND.search(style)
    behind = ground[1].strip() if ground else ""
    if behind and behind.lower() == color.lower():
        return f"color and background: {color}"
    white_behind = bool(_WHITE.fullmatch(behind)) if behind else on_white
    return f"color: {color} on white" if white_behind and _WHITE.fullmatch(color) else None
