"""Addresses of cryptocurrencies, told from other long words by their checksums."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256

from detectors.hint import Hint, Hints, hints_of

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BASE58_CLASS = f"[{_BASE58}]"
_BECH32_CLASS = f"[{_BECH32}]"

_BY_COIN = (
    ("ether", re.compile(r"\b0x[0-9a-fA-F]{40}\b")),
    ("bitcoin", re.compile(rf"\b(?:[13]{_BASE58_CLASS}{{25,34}}|bc1{_BECH32_CLASS}{{11,71}})\b")),
    ("litecoin", re.compile(rf"\b(?:[LM]{_BASE58_CLASS}{{26,33}}|ltc1{_BECH32_CLASS}{{11,71}})\b")),
    ("dogecoin", re.compile(rf"\bD{_BASE58_CLASS}{{33}}\b")),
    ("tron", re.compile(rf"\bT{_BASE58_CLASS}{{33}}\b")),
    ("monero", re.compile(rf"\b[48]{_BASE58_CLASS}{{94}}\b")),
    ("cardano", re.compile(rf"\baddr1{_BECH32_CLASS}{{50,100}}\b")),
    ("ton", re.compile(r"(?<![\w-])[EU]Q[\w-]{46}(?![\w-])")),
)
_UPPER_BECH32 = re.compile(r"\b(?:BC1|LTC1|ADDR1)[0-9A-Z]{11,100}\b")
_SOLANA = re.compile(
    rf"\b(?:sol|solana|phantom)\b[^\w]{{1,5}}(?:wallet|address)?[^\w]{{0,5}}({_BASE58_CLASS}{{43,44}})\b",
    re.I,
)
_VERSIONS = {"bitcoin": (0, 5), "litecoin": (48, 50, 5), "dogecoin": (30, 22), "tron": (65,)}
"""The first byte of what is encoded, by coin."""
_BECH32_SUMS = frozenset((1, 0x2BC830A3))
"""Of BIP 173 and of BIP 350."""
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def find_wallets(text: str, hints: Hints | None = None) -> Iterator[tuple[str, str]]:
    """Each address and the name of its coin, coin by coin.

    Args:
        text: A text.
        hints: Those that it has, where they are at hand.
    """
    hints = hints_of(text) if hints is None else hints
    if Hint.LONG_WORD not in hints:
        return
    for shouted in _UPPER_BECH32.findall(text):
        text = text.replace(shouted, shouted.lower())
    for coin, pattern in _BY_COIN:
        for found in pattern.finditer(text):
            if _is_sound(coin, found[0]):
                yield found[0], coin
    for found in _SOLANA.finditer(text):
        yield found[1], "solana"


def _is_sound(coin: str, address: str) -> bool:
    if coin in {"ether", "monero"}:
        return True
    if coin == "ton":
        return any(char.isdigit() for char in address)
    if address.startswith(("bc1", "ltc1", "addr1")):
        return _bech32_sum(address) in _BECH32_SUMS
    number = 0
    for char in address:
        number = number * 58 + _BASE58.index(char)
    try:
        raw = number.to_bytes(25, "big")
    except OverflowError:
        return False
    summed = sha256(sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]
    return summed and raw[0] in _VERSIONS[coin]


def _bech32_sum(address: str) -> int:
    """What BIP 173 calls the polymod of an address with its human-readable part."""
    prefix, _, data = address.rpartition("1")
    values = [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]
    values += [_BECH32.index(char) for char in data]
    total = 1
    for value in values:
        top = total >> 25
        total = (total & 0x1FFFFFF) << 5 ^ value
        for bit, factor in enumerate(_GENERATOR):
            if top >> bit & 1:
                total ^= factor
    return total
