"""How many of the obfuscation suite's cases the reader gets right, by way of hiding.

    python -m bench.obfuscation [--show]

The suite is ``tests/obfuscation``: texts that hide a link, a number, a handle, a mail address or a
wallet, and honest ones that look like them.
"""

from __future__ import annotations

import argparse
from collections import Counter

from contracts.ruleset import default_ruleset
from detectors.link_spam import LinkSpam
from tests.obfuscation.suite import cases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", action="store_true", help="print each wrong one")
    show = parser.parse_args().show
    detector = LinkSpam(default_ruleset())
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for case in cases():
        wrong = case.what_is_wrong(detector)
        for kind in (
            "all",
            "honest" if case.honest else "hiding",
            "multilingual" if case.language != "en" else "English",
        ):
            total[kind] += 1
            right[kind] += wrong is None
        if wrong and show:
            print(f"  {wrong}")
    for kind, count in total.items():
        print(f"  {kind:<14}{right[kind]:5} of {count:4} right ({right[kind] / count:.1%})")


if __name__ == "__main__":
    main()
