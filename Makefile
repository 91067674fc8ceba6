# SPDX-License-Identifier: MIT
# A thin front for Meson: `make help`.

BUILD  ?= build
PREFIX ?= /usr/local
JOBS   ?= $(shell nproc)
export JOBS

# $(call setup,DIRECTORY,OPTIONS)
setup = meson setup $(if $(wildcard $(1)/build.ninja),--reconfigure) \
	$(1) $(2) >/dev/null

all:
	@scripts/install-deps.sh --check build
	@$(call setup,$(BUILD))
	@ninja -C $(BUILD) -j $(JOBS)

help:
	@echo 'make              build everything in $(BUILD)/'
	@echo 'make demo         install what it needs, build it, run it'
	@echo 'make demo-redis   the same with a real server (fetches its source)'
	@echo 'make check        install what it needs, run all tests'
	@echo 'make bench        install what it needs, measure (RP_REAL=1: redis, too)'
	@echo 'make fuzz         fuzz each target for RP_FUZZ_TIME=600 seconds'
	@echo 'make install      to PREFIX=$(PREFIX) (DESTDIR is honoured)'
	@echo 'make check-fresh  make demo and make check in a new Debian'
	@echo 'make deps         install what building needs (Debian)'
	@echo 'make clean        remove the build directories'
	@echo
	@echo 'JOBS=$(JOBS) jobs in parallel. scripts/check.sh: parts of make check.'

deps:
	@scripts/install-deps.sh build

demo: demo-build
	@RP_TOOL=$(CURDIR)/build-demo/tools/repoint scripts/demo-live.sh
	@echo
	@build-demo/examples/repoint-demo

# The network, and a minute or two: the source package of redis.
demo-redis: demo-build
	@RP_TOOL=$(CURDIR)/build-demo/tools/repoint scripts/demo-redis.sh

demo-build:
	@scripts/install-deps.sh demo
	@$(call setup,build-demo,-Dtools=true -Dtests=false -Dbench=false -Dfuzz=false)
	@ninja -C build-demo -j $(JOBS) --quiet

check:
	@scripts/install-deps.sh check
	@scripts/check.sh

bench:
	@scripts/install-deps.sh bench
	@$(call setup,build-bench,-Dtests=false -Dexamples=false)
	@ninja -C build-bench -j $(JOBS) --quiet bench

fuzz: export RP_FUZZ_TIME ?= 600
fuzz:
	@scripts/install-deps.sh fuzz
	@scripts/check.sh fuzz

install:
	@scripts/install-deps.sh --check build
	@$(call setup,$(BUILD),--prefix=$(PREFIX))
	@ninja -C $(BUILD) -j $(JOBS)
	meson install -C $(BUILD) --no-rebuild

check-fresh:
	@scripts/check-fresh.sh

clean:
	rm -rf build build-*/

.PHONY: all help deps demo demo-redis demo-build check bench fuzz install check-fresh clean
