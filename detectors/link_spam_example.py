"""The examples of ``LinkSpam``: what it finds, and the honest pages that it leaves alone."""

from __future__ import annotations

from detectors.example import Example, post, signup

EXAMPLES = (
    # Comments and messages: one link in a few words is already dense.
    Example(
        post("Great! Cheap tickets at https://tickets.example.net/x", kind="comment"),
        ("link.density",),
    ),
    Example(post("I earn $500 a day, see quickcash.biz", kind="comment"), ("link.density",)),
    Example(post("pls like https://www.facebook.com/my.page", kind="comment"), ("link.density",)),
    Example(post("follow me on Twitter @quick_cash", kind="comment"), ("link.density",)),
    Example(post("WhatsApp me: +234 803 555 0199", kind="message"), ("contact.messenger",)),
    Example(
        post("Donate BTC 1BoatSLRHtKNngkdXEeobR76b53LETtpyT thanks", kind="message"),
        ("contact.wallet",),
    ),
    # Event pages.
    Example(
        post("QuickBooks customer support number +1 (888) 555-0123, call now"),
        ("contact.support_number",),
    ),
    Example(
        post("Delta Airlines toll free: 1-888-555-0123"),
        ("contact.support_number",),
    ),
    Example(post("Watch free: bit.ly/3xYz"), ("link.shortener",)),
    Example(post("Log in at http://paypal.com@evil.example.org/"), ("link.userinfo",)),
    Example(post("Mirror: http://93.184.216.34/films"), ("link.numeric_host",)),
    Example(post("Mirror: http://0x5db8d822/films"), ("link.numeric_host",)),
    Example(
        post("Sign in: http://xn--pypal-4ve.com"),
        ("link.mixed_script_host", "link.homograph", "link.punycode_host"),
    ),
    Example(
        post('<a href="http://evil.example.net">https://www.paypal.com/login</a>'),
        ("link.anchor_mismatch",),
    ),
    Example(post("[www.paypal.com](http://evil.example.net/login)"), ("link.anchor_mismatch",)),
    Example(
        post('<div style="display: none"><p><a href="http://pills.example.net">x</a></div> Hello'),
        ("link.hidden",),
    ),
    Example(post("Log in: http://paypa1.com/login"), ("link.homograph",)),
    Example(post("Log in: http://www.paypal.com.id-7.example.net"), ("link.homograph",)),
    Example(post("Claim it at https://facebook-support.example/"), ("link.homograph",)),
    Example(post("Videos at http://youtubbe.com"), ("link.homograph",)),
    Example(
        post("Write to info@trees.org or see https://pills.example.net"), ("link.mail_mismatch",)
    ),
    Example(post("Cure: hxxp://pills[.]example[.]net/buy"), ("link.disguised",)),
    Example(post("Cure: pills.exa\u200bmple.net/buy"), ("link.disguised",)),
    Example(signup(website="http://casino-win.top", bio="Best odds"), ("link.suspicious_suffix",)),
    # Honest pages.
    Example(post("Shop at https://www.amazon.de/x and https://maps.google.com.br, or meetups.org")),
    Example(post("Write to info@trees.example.org or see https://www.example.org/trees")),
    Example(post("Doors at 19:00. Tickets: https://www.eventbrite.com/e/123")),
    Example(
        post(
            "<p>Our speakers: "
            + ", ".join(
                f'<a href="https://speaker{number}.example.org/">Speaker Number {number}</a>'
                for number in range(30)
            )
            + "</p><p>"
            + "We meet in the old town hall, as every year, and talk about trees. " * 10
            + '<br>Follow us on <a href="https://www.instagram.com/trees">Instagram</a> and'
            ' <a href="https://x.com/trees">x.com/trees</a>, call 030 901820, or write to'
            ' <a href="mailto:info@trees.example.org">info@trees.example.org</a>.</p>'
        )
    ),
    Example(post("Install node.py, index.js and README.md of v1.2.3; e.g. with asp.net 4.8.")),
    Example(post("For customer service call (212) 555-0187. Contact number: 020 7946 0958")),
    Example(post('<a href="https://trees.example.com">trees.example.org</a>')),
    Example(
        post(
            "Sponsors: "
            + " ".join(f"[Sponsor {n} Inc](https://s{n}.example.org)" for n in range(30))
        )
    ),
    Example(post("Run it on http://localhost:8000 or http://127.0.0.1:8000/ or 192.168.0.1")),
    Example(post('<a href="https://x.us1.list-manage.com/c?u=1">trees.example.org</a>')),
    Example(post("Wir sehen uns: https://bücher.example.org"), ("link.punycode_host",)),
    Example(post("ISBN 978-3-16-148410-0, 2024-05-01 19:00 - 2024-05-02 02:00")),
    Example(post("Love this song, listened 1,000,000 times since 2012...so good", kind="comment")),
    Example(post("3:57 is the best, see https://youtu.be/abc?t=237", kind="comment")),
    Example(signup(website="https://trees.example.org", bio="We plant trees since 1998.")),
    Example(signup(email="anna@example.org")),
)
