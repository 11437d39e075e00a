# SPDX-License-Identifier: MIT
# The short way in. What is built says meson.build, what is tested says tools/test; doc/building.md tells more.
#
#   make                    build/tandem, as it is installed
#   make install            PREFIX=/usr/local DESTDIR=
#   make run                a primary and its secondary on loopback, with real versions of the root zone
#   make test               all suites; SUITE=unit (scenario sim interop layers headers fuzz style) runs one
#   make fuzz               each fuzz target for SECONDS=300
#   make coverage           which lines of src/ unit and scenario tests reach; FOLDERS="transfer store" shows these
#   make soak               changes, stops and kills in a storm for MINUTES=10, and all must agree; with sanitizers by
#                           BUILDS="build-sanitize build-thread"
#   make chains             zones that change at random pass by differences through chains with BIND, Knot and NSD, MINUTES=10
#                           each
#   make sim                whole servers on a made-up network, clock and disk; SEEDS=1000, the first is SEED=1
#   make crash              a primary and secondaries are killed KILLS=100 times while zones change; a minute
#   make compare            beside the peers, question by question; COMPARE="--questions 3000 --seed 7"
#   make abuse              ten thousand connections, floods, stalls, noise; ABUSE="--seconds 2 held" is a short one
#   make bench              all measures, beside the peers, an hour; BENCH=--quick takes minutes, BENCH="udp:root load" has
#                           some rows, PEERS=DIR other builds of the peers than Debian's
#   make format             clang-format on every C file
#   make clean
PREFIX ?= /usr/local
SECONDS ?= 300
MINUTES ?= 10
KILLS ?= 100
SEEDS ?= 1000
SEED ?= 1
BUILDS ?= build
BENCH ?=
PEERS ?=
COMPARE ?=
ABUSE ?=
FOLDERS ?=
MESON = /usr/bin/meson
PYTHON = /usr/bin/python3

.PHONY: all install run test fuzz coverage soak chains crash compare abuse bench format clean

all:
	@tools/setup build
	@test -f build/build.ninja || $(MESON) setup build -Dtests=false --prefix=$(PREFIX)
	@$(MESON) compile -C build

install: all
	@$(MESON) configure build --prefix=$(PREFIX)
	@$(MESON) install -C build

run: all
	@tools/demo

test:
	@tools/setup test
	@$(PYTHON) tools/test $(SUITE)

fuzz:
	@tools/setup test
	@$(PYTHON) tools/test --fuzz-seconds=$(SECONDS) fuzz

coverage:
	@tools/setup test
	@$(PYTHON) tools/coverage $(FOLDERS)

soak:
	@tools/setup test
	@$(PYTHON) tools/test --soak-minutes=$(MINUTES) --builds="$(BUILDS)" soak

chains: all
	@tools/setup test
	@CHAIN_SECONDS=$$(($(MINUTES) * 60)) $(PYTHON) -m pytest -s -k "follow or pass_through or hop" tests/interop/test_chains.py

sim:
	@tools/setup test
	@test -f build-gcc/build.ninja || CC=gcc $(MESON) setup build-gcc --buildtype=debugoptimized -Db_lto=false --werror
	@$(MESON) compile -C build-gcc tests/sim/sim
	@$(PYTHON) tests/sim/run.py --build build-gcc --seeds $(SEEDS) --seed $(SEED)

crash: all
	@tools/setup test
	@$(PYTHON) tests/crash.py --kills $(KILLS)

compare: all
	@tools/setup test
	@$(PYTHON) tests/compare/compare.py $(COMPARE)

abuse: all
	@tools/setup test
	@$(PYTHON) tests/abuse.py $(ABUSE)

bench: all
	@tools/setup test bench
	@$(MESON) compile -C build benchmarks
	@PEERS="$(PEERS)" $(PYTHON) bench/bench.py $(BENCH)

format:
	@tools/setup test
	@clang-format-14 -i $$(git ls-files '*.[ch]')

clean:
	rm -rf build build-gcc build-sanitize build-thread build-coverage
