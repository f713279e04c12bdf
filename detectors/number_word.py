"""Words for digits, and the numbers that people spell with them: ``eight double zero five …``."""

from __future__ import annotations

import re

NUMBER_WORDS = {
    **{word: digit for digit, words in enumerate(
        ("zero oh null cero", "one uno eins un", "two dos zwei deux", "three tres drei trois",
         "four cuatro vier quatre", "five cinco fünf cinq", "six seis sechs sei",
         "seven siete sieben sept", "eight ocho acht huit", "nine nueve neun neuf"))
       for word in words.split()},
}  # fmt: skip
_SPELT_DIGIT = "|".join(sorted(NUMBER_WORDS, key=len, reverse=True))
_SPELT_NUMBER = re.compile(
    rf"\b(?:{_SPELT_DIGIT}|double|triple|\d{{1,4}})(?:[\s,.-]{{1,3}}(?:{_SPELT_DIGIT}|double|triple|\d{{1,4}}))"
    r"{4,}\b",
    re.I,
)
MIN_SPELT_DIGITS = 4
MIN_NUMBER_DIGITS = 7
MIN_WHOLE_DIGITS = 10
"""Where hardly any of them is a word."""
TIMES = {"double": 2, "triple": 3}


def with_digits(text: str) -> tuple[str, int]:
    """A text with its spelt numbers in digits, and how many there were."""
    count = 0

    def digits(found: re.Match[str]) -> str:
        nonlocal count
        words = re.findall(r"\w+", found[0].lower())
        spelt = sum(word in NUMBER_WORDS for word in words)
        if spelt < MIN_SPELT_DIGITS - 1:
            return found[0]
        times, number = 1, ""
        for word in words:
            if word in TIMES:
                times = TIMES[word]
                continue
            number += str(NUMBER_WORDS.get(word, word)) * times
            times = 1
        if len(number) < (MIN_NUMBER_DIGITS if spelt >= MIN_SPELT_DIGITS else MIN_WHOLE_DIGITS):
            return found[0]
        count += 1
        grouped = (number[:-7], number[-7:-4], number[-4:])
        return "-".join(group for group in grouped if group)

    return _SPELT_NUMBER.sub(digits, text), count


def has_spelt_number(low: str) -> bool:
    """Whether so many words for digits are near one another, as in no prose.

    Args:
        low: In lower case.
    """
    words = low.replace(",", " ").replace("-", " ").split()
    if len([word for word in words if word in NUMBER_WORDS]) < MIN_SPELT_DIGITS - 1:
        return False
    run = 0
    for word in words:
        run = (
            run + 1 if word.rstrip(".") in NUMBER_WORDS or word in TIMES or word.isdecimal() else 0
        )
        if run > MIN_SPELT_DIGITS:
            return True
    return False
