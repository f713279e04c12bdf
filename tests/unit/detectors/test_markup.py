from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from detectors.content import read_content
from detectors.example import post
from detectors.markup import read_markup
from detectors.url import Link


def links_of(text: str) -> list[Link]:
    return list(read_content(post(text)).links)


def test_html_links_have_their_anchors() -> None:
    (link,) = links_of('<p>Go <a class="x" href="https://a.net/?a=1&amp;b=2"><b>over</b> there</a>')
    assert (link.url, link.anchor, link.source) == ("https://a.net/?a=1&b=2", "over there", "html")


def test_a_url_under_its_own_link_counts_once() -> None:
    assert len(links_of('<a href="https://a.net/x">https://a.net/x</a>')) == 1
    assert len(links_of("[https://a.net/x](https://a.net/x)")) == 1


def test_a_link_that_is_never_closed_hides_nothing() -> None:
    text = '<a href="https://a.net">x' + " word" * 200 + " https://b.net"
    assert {link.host for link in links_of(text)} == {"a.net", "b.net"}


def test_quotes_and_odd_writing() -> None:
    hosts = [
        link.host
        for link in links_of(
            "<A HREF='http://a.net'>1</A><a href=http://b.net>2</a><a\nhref = \"http://c.net\">3</a>"
            '<a title="a > b" href="http://d.net">4</a><a href="&#104;ttp://e&#46;net">5</a>'
        )
    ]
    assert hosts == ["a.net", "b.net", "c.net", "d.net", "e.net"]


def test_pictures_are_embedded() -> None:
    assert [link.embedded for link in links_of('<img src="http://a.net/1.png"> http://b.net')] == [
        True,
        False,
    ]
    assert [link.embedded for link in links_of("![x](http://a.net/1.png)")] == [True]


def test_scripts_styles_and_comments_are_not_read() -> None:
    read = read_markup(
        "<style>a{x:y}</style><script>var a='http://a.net'</script><!-- http://b.net -->shown"
    )
    assert (read.text.strip(), read.links) == ("shown", ())


def test_inline_tags_split_no_word_and_blocks_do() -> None:
    assert read_markup("ex<b>am</b>ple.com<br>next").text == "example.com\nnext"


def test_hidden_links() -> None:
    hidden = [
        '<a style="display:none" href="http://a.net">x</a>',
        '<div style="VISIBILITY : hidden"><div>y</div><a href="http://a.net">x</a></div>',
        '<span hidden><a href="http://a.net">x</a></span>',
        '<p style="color:red;font-size:0"><a href="http://a.net">x</a></p>',
        '<div style="position:absolute;left:-9999px"><a href="http://a.net">x</a></div>',
        '<div style="height:1px;overflow:hidden"><a href="http://a.net">x</a></div>',
        '<div style="opacity:0"><a href="http://a.net">x</a></div>',
    ]
    seen = [
        '<a style="display:block" href="http://a.net">x</a>',
        '<div style="display:none">x</div><a href="http://a.net">x</a>',
        '<p style="font-size:1em"><a href="http://a.net">x</a></p>',
        '<p style="font-size:10px;opacity:0.9;left:-1px"><a href="http://a.net">x</a></p>',
        '<p style="width:100px"><a href="http://a.net">x</a></p>',
    ]
    assert all(links_of(text)[0].hidden for text in hidden)
    assert not any(links_of(text)[0].hidden for text in seen)


def test_markdown_and_bbcode() -> None:
    text = (
        '[one](http://a.net "title") [two]( <http://b.net/x_(y)> ) ![p](http://c.net/p.png)'
        " <http://d.net> [url=http://e.net]five[/url] [url]http://f.net[/url] `x`[no](relative)"
    )
    assert sorted((link.host, link.anchor) for link in links_of(text)) == [
        ("a.net", "one"),
        ("b.net", "two"),
        ("c.net", "p"),
        ("d.net", ""),
        ("e.net", "five"),
        ("f.net", "http://f.net"),
    ]


def test_what_only_looks_like_markup_stays() -> None:
    assert read_markup("1 < 2 and <3 and a<b").text == "1 < 2 and <3 and a<b"
    assert read_markup("<p>1 < 2, x <- y").text == "\n1 < 2, x <- y"
    assert read_markup("<p>unclosed <a href=").text == "\nunclosed <a href="
    assert read_markup("AT&T &amp; co; &#" + "9" * 5_000 + ";").text == "AT&T & co; \ufffd"


@given(
    st.lists(
        st.sampled_from(
            [
                "<",
                ">",
                '"',
                "'",
                "=",
                "a",
                " href",
                "/",
                "!--",
                "&#",
                "[",
                "](",
                ")",
                "style",
                "\n",
                "http://x.net",
                "script",
                "é",
                "&",
            ]
        ),
        max_size=60,
    )
)
def test_any_tag_soup_is_read(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert read_markup(text) == read_markup(text)
