"""Systems with a cable that a test can pull out, and pages with the browser module that use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from support.browsers import open_page
from support.cable import Cable
from support.sites import sign_in
from support.systems import Running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("browser")


@pytest.fixture(scope="module")
def connect(start: Callable[..., Running]) -> Iterator[Callable[..., tuple[Running, Cable]]]:
    """Starts systems, each with a cable before the store route or, without `by_route`, before the store itself."""
    cables = []

    def connect_one(*, by_route: bool = True, s3_cors: bool = False, **settings: str) -> tuple[Running, Cable]:
        cable = Cable()
        cables.append(cable)
        if by_route:
            at_cable = {"STORE_ROUTE": f"{cable.url}/store"}
        else:
            at_cable = {"STORAGE_ENDPOINT": cable.url, "OBJECT_STORAGE_ENDPOINT": cable.url}
        running = start({**at_cable, **settings}, s3_cors=s3_cors)
        cable.target_port = urlsplit(running.stack.url if by_route else running.stack.storage_url).port or 0
        return running, cable

    yield connect_one
    for cable in cables:
        cable.close()


@pytest.fixture
def running(connected: tuple[Running, Cable]) -> Iterator[Running]:
    """The system that the module's tests share, which each of them leaves without a fault."""
    yield connected[0]
    connected[0].stack.storage.fault = None


@pytest.fixture
def cable(connected: tuple[Running, Cable]) -> Iterator[Cable]:
    """Its cable, plugged in again after each test."""
    yield connected[1]
    connected[1].release()
    connected[1].plug_in()


@pytest.fixture
def page(browser: Browser, address: str, running: Running) -> Iterator[Page]:
    """A page of another origin, with a client for alice."""
    page = open_page(browser, address)
    sign_in(page, running)
    yield page
    page.close()
