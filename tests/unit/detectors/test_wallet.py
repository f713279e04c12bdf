from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.wallet import find_wallets

SOUND = {
    "0x52908400098527886E0F7030069857D2E4169EE7": "ether",
    "1BoatSLRHtKNngkdXEeobR76b53LETtpyT": "bitcoin",
    "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy": "bitcoin",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4": "bitcoin",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0": "bitcoin",
    "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9": "litecoin",
    "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L": "dogecoin",
    "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8": "tron",
}


@pytest.mark.parametrize(("address", "coin"), SOUND.items())
def test_addresses_of_each_coin(address: str, coin: str) -> None:
    assert list(find_wallets(f"Send it to {address}, thanks")) == [(address, coin)]


SUMMED = [address for address, coin in SOUND.items() if coin != "ether"]


@given(st.sampled_from(SUMMED), st.data())
def test_one_wrong_character_is_no_address(address: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(5, len(address) - 1))
    other = data.draw(st.sampled_from("23456789acdefghjkmnp").filter(lambda c: c != address[at]))
    assert list(find_wallets(address[:at] + other + address[at + 1 :])) == []


@given(st.text("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz 01", max_size=120))
def test_noise_is_no_address(text: str) -> None:
    assert list(find_wallets(text)) == []
