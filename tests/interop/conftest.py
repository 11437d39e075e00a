# SPDX-License-Identifier: MIT
"""Fixtures: a world of servers that ends with the test, and the real zones."""

import fake
import fake_secondary
import pytest
import servers
import zones


class World:
    """The servers of one test, and those that it plays itself; whatever still runs is stopped at its end."""

    def __init__(self, folder):
        self.folder = folder
        self.servers = []
        self.fakes = []

    def new(self, kind, name=None):
        """A server of a kind, not started yet; two of one kind need names."""
        cls = servers.KINDS[kind]
        server = cls(self.folder, name)
        self.servers.append(server)
        return server

    def follower(self, zone, *primaries, name=None, **options):
        """A Tandem that follows these, which need not know it, with options of the zone; not started yet."""
        server = self.new("tandem", name)
        server.zones.append(servers.Zone(zone, primaries=list(primaries)))
        server.zone_options.update({option.replace("_", "-"): value for option, value in options.items()})
        return server

    def fake_primary(self, zone, serial=1, play=fake.honest, kind=fake.FakePrimary, **options):
        """A primary that the test plays."""
        self.fakes.append(kind(zone, serial, play, **options))
        return self.fakes[-1]

    def fake_secondary(self, **options):
        """A secondary that hears NOTIFYs."""
        self.fakes.append(fake_secondary.FakeSecondary(**options))
        return self.fakes[-1]

    def end(self):
        failures = []
        for server in reversed(self.servers):
            try:
                server.stop()
            except AssertionError as failure:
                failures.append(str(failure))
        for one in self.fakes:
            one.end()
        assert not failures, "\n".join(failures)


@pytest.fixture
def world(tmp_path, request):
    here = World(tmp_path)
    request.node.world = here
    yield here
    here.end()


@pytest.fixture(scope="session")
def root_zones(tmp_path_factory):
    """The folder of the real root zones."""
    return zones.unpacked(tmp_path_factory.mktemp("root-zones"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failed test shows what its servers said."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and hasattr(item, "world"):
        for server in item.world.servers:
            report.sections.append((f"log of {server.name}", server.log_tail()))
