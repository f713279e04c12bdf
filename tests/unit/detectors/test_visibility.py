from __future__ import annotations

import pytest

from detectors.markup import read_markup
from detectors.visibility import hidden_by, is_colored, style_rules


@pytest.mark.parametrize(
    "style",
    [
        "display:none", "DISPLAY : NONE", "color:red;visibility:hidden", "opacity:0", "opacity:.01",
        "font-size:0", "font-size:1px", "font:0/0 a", "left:-9999px", "text-indent:-99em",
        "height:0",
        "max-width:1px", "transform:scale(0)", "clip:rect(0,0,0,0)", "clip-path:inset(100%)",
        "color:#fff", "color: WHITE !important", "color:transparent",
        "color:#000;background-color:#000",
    ],
)  # fmt: skip
def test_a_style_that_hides(style: str) -> None:
    assert hidden_by({"style": style}, {}, on_white=True)


@pytest.mark.parametrize(
    "style",
    [
        "display:block", "opacity:0.9", "opacity:1", "font-size:10px", "font-size:1em",
        "font-size:1.2rem",
        "left:-9px", "height:10px", "height:100%", "width:0.5em", "color:#333", "line-height:1.5",
        "color:#fff;background:#003", "color:white;background-image:url(x.png)",
        "margin-left:-15px",
    ],
)  # fmt: skip
def test_a_style_that_does_not(style: str) -> None:
    assert hidden_by({"style": style}, {}, on_white=True) is None


def test_white_letters_are_seen_on_a_coloured_ground() -> None:
    assert hidden_by({"style": "color:#fff"}, {}, on_white=False) is None
    assert is_colored({"style": "background:#222"})
    assert is_colored({"bgcolor": "black"})
    assert not is_colored({"style": "background:white"})
    shown = read_markup(
        '<div style="background:#222"><div><p style="color:#fff"><a href="http://a.com">a</a></p></div>'
        '</div><p style="color:#fff"><a href="http://b.com">b</a></p>'
    )
    assert [link.hidden for link in shown.links] == [None, "color: #fff on white"]


def test_simple_rules_of_a_style_sheet() -> None:
    sheet = ".a, #b { display: none } .c{color:#fff} .d > p{display:none} .e{color:red}"
    assert style_rules(sheet) == {
        ".a": "display: none", "#b": "display: none", ".c": "color: #fff on white",
    }  # fmt: skip
    assert hidden_by({"class": "x a"}, style_rules(sheet), on_white=True) == "display: none"
    assert hidden_by({"id": "b"}, style_rules(sheet), on_white=True) == "display: none"
    assert hidden_by({"class": "e"}, style_rules(sheet), on_white=True) is None
