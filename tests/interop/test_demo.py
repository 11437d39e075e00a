# SPDX-License-Identifier: MIT
"""`make run` without a terminal: everything that it shows comes true, and it ends by itself."""

import os
import re

import servers


def test_demo_tells_its_whole_story_and_ends(tmp_path):
    environment = {**os.environ, "DEMO_DIR": str(tmp_path / "demo"), "TANDEM": str(servers.TANDEM)}
    command = [servers.ROOT / "tools" / "demo"]
    result = servers.run(command, seconds=600, env=environment)
    story = result.stdout
    assert result.returncode == 0, story + result.stderr
    assert len(re.findall(r"^  20260\d{5} +\d+ ms +\d+ ms$", story, re.MULTILINE)) == 12
    assert "The secondary goes on answering" in story
    assert re.search(r"The primary is back after \d+ ms", story)
