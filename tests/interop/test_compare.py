# SPDX-License-Identifier: MIT
"""A short run of tests/compare: Tandem and its peers, question by question, and two validators that judge the proofs.

Always with the same zones and questions, so that it fails only for what was changed; COMPARE_SEED gives other ones.
"""

import os
import pathlib
import sys

import pytest
import zones

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "compare"))

import compare  # noqa: E402
import made  # noqa: E402
import proofs  # noqa: E402
import questions  # noqa: E402

SEED = 1034
QUESTIONS_ABOUT_MADE_ZONES = 2500
QUESTIONS_ABOUT_THE_ROOT = 500
PROOFS = 400
PROOFS_ABOUT_THE_ROOT = 200
DELV_SHARE = 0.4


@pytest.fixture(scope="module")
def seed():
    chosen = int(os.environ.get("COMPARE_SEED", SEED))
    print(f"COMPARE_SEED={chosen}")
    return chosen


@pytest.fixture(scope="module")
def made_zones(seed, tmp_path_factory):
    return made.make(seed, tmp_path_factory.mktemp("made"))


def expect_no_unknown_class(seed, report):
    failed = report.failed
    assert not failed, f"COMPARE_SEED={seed}\n" + "\n".join(report.failures())


def test_tandem_stands_alone_only_where_it_is_explained(seed, made_zones, tmp_path):
    report = compare.Report()
    drawn = questions.draw_questions(seed, questions.of_made(made_zones), QUESTIONS_ABOUT_MADE_ZONES)
    compare.ask(report, tmp_path, [(zone.name, file) for zone, file in made_zones], drawn)
    assert report.asked == QUESTIONS_ABOUT_MADE_ZONES
    expect_no_unknown_class(seed, report)


def test_tandem_stands_alone_about_the_root_only_where_it_is_explained(seed, root_zones, tmp_path):
    report = compare.Report()
    root = root_zones / "root.signed.zone"
    drawn = questions.draw_questions(seed, questions.of_root(root), QUESTIONS_ABOUT_THE_ROOT)
    compare.ask(report, tmp_path, [(".", root)], drawn)
    assert report.asked == QUESTIONS_ABOUT_THE_ROOT
    expect_no_unknown_class(seed, report)


def test_unbound_and_delv_accept_our_proofs(seed, made_zones, tmp_path):
    result = proofs.check(seed, made_zones, tmp_path, PROOFS, DELV_SHARE)
    assert not result.wrong, f"COMPARE_SEED={seed}\n" + "\n".join(result.lines())


def test_unbound_accepts_our_proofs_about_the_root(seed, root_zones, tmp_path):
    result = proofs.check_root(seed, root_zones / "root.signed.zone", tmp_path, PROOFS_ABOUT_THE_ROOT)
    assert not result.wrong, f"COMPARE_SEED={seed}\n" + "\n".join(result.lines())


def test_every_explained_class_is_in_the_documentation():
    text = (zones.ROOT / "doc" / "differences.md").read_text()
    missing = {row.name for row in compare.known.KNOWN if f"**{row.name}**" not in text}
    assert not missing, f"doc/differences.md, section Answers, does not explain: {missing}"
