# SPDX-License-Identifier: MIT
"""What a restart costs: nothing is read, sent or lost that did not change, and what is damaged is told in `status`."""

import ctypes
import os
import re

import pytest
import servers
import wire
import zones

ZONE = "small.example."
LARGE = "large.example."
LARGE_LINES = "\n".join(f'n{number} TXT "some octets that make a zone large"' for number in range(1500))


def new_primary(world, name=ZONE, extra=""):
    primary = world.new("tandem", "primary")
    primary.serve(name, zones.small(world.folder, name, 1, extra))
    return primary


def restart(server):
    server.stop()
    server.log.write_text("")
    return server.start()


def change(server, name, file):
    server.put(name, file)
    server.run("zone", "reload", "--wait", name)


class Opened:
    """Whether a file is opened by anybody, from now on (inotify)."""

    IN_OPEN = 0x20

    def __init__(self, file):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_NONBLOCK)
        assert self.fd >= 0 and libc.inotify_add_watch(self.fd, bytes(file), self.IN_OPEN) >= 0

    def end(self):
        try:
            return len(os.read(self.fd, 4096)) > 0
        except BlockingIOError:
            return False
        finally:
            os.close(self.fd)


def test_file_that_did_not_change_is_not_opened_at_start(world):
    primary = new_primary(world, LARGE, LARGE_LINES)
    primary.start()
    primary.flush(LARGE)

    def starts_without_it():
        """A file that was written a moment ago is read again, to be sure."""
        primary.run("zone", "reload", "--wait", LARGE)
        primary.stop()
        opened = Opened(primary.zone(LARGE).file)
        primary.start()
        answer = primary.ask("n7." + LARGE, "TXT").answer
        return not opened.end() and answer

    servers.wait_until(starts_without_it, "it starts without the file")
    # One that did change is.
    primary.stop()
    primary.put(LARGE, zones.small(world.folder, LARGE, 2, LARGE_LINES))
    opened = Opened(primary.zone(LARGE).file)
    primary.start()
    primary.wait_for_serial(LARGE, 2)
    assert opened.end()


def test_start_says_when_all_zones_are_served_and_of_very_many_not_more(world):
    primary = new_primary(world)
    primary.start()
    [line] = primary.wait_for_lines("all zones are served, ")
    assert re.search(r"served, \d+\.\d{3} s after the start", line)
    assert f"zone {ZONE[:-1]}: serial 1 served" in primary.log_tail()
    for number in range(1001):
        primary.serve(f"z{number}.many.example.", zones.small(world.folder, f"z{number}.many.example.", 1))
    restart(primary)
    servers.wait_until(lambda: "all zones are served" in primary.log.read_text(), "the log says so")
    assert "info zone z7.many.example: serial 1 served" in primary.log.read_text()
    assert "notice zone z7.many.example: serial 1 served" not in primary.log.read_text()
    change(primary, "z7.many.example.", zones.small(world.folder, "z7.many.example.", 2))
    assert "notice zone z7.many.example: serial 2 served" in primary.log.read_text()


def test_start_says_of_how_many_zones_nothing_is_served(world):
    primary = new_primary(world)
    file = zones.small(world.folder, "absent.example.", 1)
    primary.serve("absent.example.", file)
    file.unlink()
    primary.zone("absent.example.").file.unlink(missing_ok=True)
    primary.launch()
    servers.wait_until(lambda: "all zones were looked at" in primary.log_tail(), "the log says so")
    assert "of 1 nothing is served yet" in primary.log_tail()


def test_history_survives_a_restart(world):
    primary = new_primary(world).start()
    have = {1: wire.axfr(primary.place, ZONE)}
    for serial in range(2, 7):
        change(primary, ZONE, zones.small(world.folder, ZONE, serial))
        have[serial] = wire.axfr(primary.place, ZONE)
    primary.flush(ZONE)
    for end in ("stop", "kill"):
        getattr(primary, end)()
        primary.start()
        for serial in range(1, 6):
            reached = wire.after_differences(have[serial], wire.ixfr(primary.place, ZONE, serial))
            wire.assert_equal_zones(have[6], reached)


def test_history_is_as_long_as_the_configuration_says_now(world):
    primary = new_primary(world)
    primary.zone_options["history-max-changes"] = 3
    primary.start()
    have = {1: wire.axfr(primary.place, ZONE)}

    def get_differences(newest):
        """From which serials."""
        answers = {serial: wire.ixfr(primary.place, ZONE, serial) for serial in range(1, newest)}
        return [serial for serial in answers if wire.after_differences(have[serial], answers[serial]) is not None]

    def advance(serial):
        change(primary, ZONE, zones.small(world.folder, ZONE, serial))
        have[serial] = wire.axfr(primary.place, ZONE)

    for serial in range(2, 7):
        advance(serial)
    assert get_differences(6) == [3, 4, 5]
    primary.zone_options["history-max-changes"] = 1
    primary.configure()
    primary.run("reload", "--wait")
    advance(7)
    assert get_differences(7) == [6]
    primary.zone_options["history-max-changes"] = 0
    primary.configure()
    primary.run("reload", "--wait")
    advance(8)
    assert get_differences(8) == []


@pytest.mark.parametrize("what", ["missing", "broken", "unreadable by its form"])
def test_file_that_cannot_be_read_at_start_leaves_the_stored_version_served_and_status_says_why(world, what):
    primary = new_primary(world).start()
    first = wire.axfr(primary.place, ZONE)
    primary.flush(ZONE)
    primary.stop()
    file = primary.zone(ZONE).file
    if what == "missing":
        file.unlink()
    else:
        file.write_text("@ SOA broken\n" if what == "broken" else "$ORIGIN\n")
    primary.start()
    wire.assert_equal_zones(first, wire.axfr(primary.place, ZONE))
    servers.wait_until(lambda: primary.reason(ZONE), "status says why")
    reason = primary.reason(ZONE)
    assert file.name in reason, reason
    change(primary, ZONE, zones.small(world.folder, ZONE, 2))
    assert primary.serial(ZONE) == 2
    assert primary.reason(ZONE) == ""


def test_options_that_ask_more_of_a_file_have_it_read_again(world):
    """A file that was good enough is not, once checks are stricter; what was served stays."""
    primary = new_primary(world, extra="lame NS www.lame\n@ NS missing\n").start()
    assert primary.serial(ZONE) == 1
    primary.flush(ZONE)
    primary.stop()
    primary.zone_options["check-ns"] = "fail"
    primary.start()
    servers.wait_until(lambda: primary.reason(ZONE), "the file is refused")
    assert "missing" in primary.reason(ZONE) or "NS" in primary.reason(ZONE)
    assert primary.serial(ZONE) == 1


def test_secondary_gets_what_was_edited_while_its_primary_was_down_as_a_difference(world):
    primary = new_primary(world, LARGE, LARGE_LINES)
    secondary = world.new("tandem", "secondary")
    secondary.follow(LARGE, primary)
    primary.start()
    secondary.start()
    secondary.wait_for_serial(LARGE, 1)
    primary.stop()
    primary.put(LARGE, zones.small(world.folder, LARGE, 1, LARGE_LINES + "\nnew A 192.0.2.9"))
    primary.start()
    secondary.wait_for_serial(LARGE, 2)
    wire.assert_equal_zones(wire.axfr(primary.place, LARGE), wire.axfr(secondary.place, LARGE))
    secondary.wait_for_lines("serial 2 served", "1 records removed, 2 added")


def test_damaged_image_of_a_primary_costs_a_look_at_its_file_and_status_says_so(world):
    primary = new_primary(world, LARGE, LARGE_LINES)
    primary.serve(ZONE, zones.small(world.folder, ZONE, 1))
    primary.start()
    primary.flush(LARGE)
    primary.stop()
    image = primary.copy_on_disk(LARGE)
    octets = bytearray(image.read_bytes())
    octets[600] ^= 1
    image.write_bytes(octets)
    primary.start()
    assert (primary.serial(LARGE), primary.serial(ZONE)) == (1, 1)
    problem = primary.status(LARGE)["store_problem"]
    assert "the stored version cannot be used" in problem
    assert "the file is read" in problem
    assert "at start the stored version cannot be used" in primary.run("status", LARGE)
    assert primary.status(ZONE)["store_problem"] is None
    assert primary.status()["server"]["store_problem"] is None
    assert primary.copy_on_disk(LARGE) != image
    restart(primary)
    assert primary.status(LARGE)["store_problem"] is None


def test_damaged_store_is_told_in_status_until_the_next_start(world):
    primary = new_primary(world).start()
    primary.stop()
    store = primary.folder / "data" / "store.mdb"
    store.write_bytes(store.read_bytes()[:5000])
    primary.start()
    assert "store.mdb.broken" in primary.status()["server"]["store_problem"]
    assert "At start the store was broken" in primary.run("status")
    restart(primary)
    assert primary.status()["server"]["store_problem"] is None


def test_role_changes_over_a_restart_keep_serving_and_serials_do_not_go_back(world):
    primary, other = new_primary(world), world.new("tandem", "other")
    other.follow(ZONE, primary)
    primary.start()
    other.start()
    other.wait_for_serial(ZONE, 1)
    for number in range(2):  # serial 3: the file says 1
        change(primary, ZONE, zones.small(world.folder, ZONE, 1, f"a{number} A 192.0.2.1"))
    other.wait_for_serial(ZONE, 3)
    # The secondary becomes a primary of what it has.
    other.stop()
    file = zones.small(world.folder, ZONE, 1, "mine A 192.0.2.2")
    other.zones.clear()
    other.serve(ZONE, file)
    other.start()
    servers.wait_until(lambda: other.serial(ZONE) is not None and other.ask("mine." + ZONE, "A").answer, "its file is served")
    assert other.serial(ZONE) == 4
    # And back: it takes what its primary has, whose serial is lower.
    other.stop()
    other.zones.clear()
    other.zones.append(servers.Zone(ZONE, primaries=[primary]))
    other.start()
    other.wait_for_serial(ZONE, 3)
    wire.assert_equal_zones(wire.axfr(primary.place, ZONE), wire.axfr(other.place, ZONE))
