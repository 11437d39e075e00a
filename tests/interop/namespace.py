# SPDX-License-Identifier: MIT
"""A network of its own for what needs port 53: only this machine's loopback, and nothing of it."""

import ctypes
import os
import subprocess
import sys
import traceback

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000


def enter():
    flags = CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWNET | CLONE_NEWUSER
    user, group = os.geteuid(), os.getegid()
    if ctypes.CDLL(None, use_errno=True).unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    if flags & CLONE_NEWUSER:
        for file, line in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            with open(f"/proc/self/{file}", "w") as out:
                out.write(line)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def run_inside(world, function):
    """Runs the function in a child that has such a network, with the servers that it starts; fails as it fails."""
    child = os.fork()
    if child > 0:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "see what the child printed"
        return
    status = 1
    try:
        enter()
        try:
            function()
            status = 0
        finally:
            for server in world.servers:
                sys.stderr.write(f"--- log of {server.name}\n{server.log_tail()}\n")
            world.end()
    except BaseException:  # the child must end here, whatever happened
        status = 1
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
