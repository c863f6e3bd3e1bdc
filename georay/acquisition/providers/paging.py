"""Checks the addresses of further pages, which come from an answer and may lead anywhere."""

from urllib.parse import urljoin, urlsplit

from georay.acquisition.providers.base import NoPicture


def same_server(address: str, base_url: str) -> str:
    """The address, whole. Raises NoPicture if it leads elsewhere: the key would go with it."""
    whole = urljoin(base_url, address)
    if urlsplit(whole)[:2] != urlsplit(base_url)[:2]:
        raise NoPicture("strange answer", "the next page lies on another server")
    return whole
