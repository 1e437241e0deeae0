# The two commands that matter are `make demo` and `make test`; both set up what they need.
# Everything they install beside Debian packages lives in .venv and build/.

PYTHON ?= python3
VENV := .venv
COLLECTION := collections/ansible_collections/ultramonkey/ha
# What the laboratory's hosts run on, and what the tests need. Debian 12 names.
NODE_PACKAGES := iproute2 iputils-ping python3 python3-pyroute2 python3-serial
TOOL_PACKAGES := python3-venv
# Only the tests start a real systemd, look at processes and have firewalls.
TEST_PACKAGES := nftables procps systemd

# In targets of their own, so that `make test` stays well below ten minutes.
LDIRECTORD_TESTS := $(COLLECTION)/daemon/tests/ldirectord
ROLE_TESTS := $(COLLECTION)/tests/in_lab
VERSION_TESTS := $(COLLECTION)/tests/versions

export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/collections
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help packages venv build demo test test-role test-kernel test-ldirectord test-director test-interop test-ppp test-ipvs test-topologies beside test-playbooks test-molecule properties lint sanity interop migration soak mutants benchmark clean test-controllers compiled

help:
	@echo 'make demo       deploy two nodes with the playbook, let one die, measure the outage'
	@echo 'make test       the tests, but for those that have a target of their own below'
	@echo 'make test-role  the roles on machines made of namespaces, one with a real systemd (eleven minutes)'
	@echo 'make test-controllers  every ansible-core and every managed Python that this machine can have (some minutes)'
	@echo 'make properties 100,000 generated files for each parser (make test: some hundreds; about 3 minutes)'
	@echo 'make test-kernel  what needs Debian'"'"'s own kernel, in an emulated machine (some minutes): test-ppp, test-ipvs'
	@echo '                (the netlink client and one director) and test-topologies (two directors, failover)'
	@echo 'make test-ldirectord  the tests of ldirectord, also beside the Perl original (about four minutes)'
	@echo 'make beside     a table: our ldirectord beside the Perl original (two minutes)'
	@echo 'make test-director  the roles ldirectord and realserver on machines, by the examples, ours and the original (some minutes)'
	@echo 'make test-playbooks  a cluster lived through by playbooks, with a client that asks (some minutes)'
	@echo 'make test-molecule  Molecule scenarios on machines with systemd, all or SCENARIO=name (a minute or two each)'
	@echo 'make sanity     ansible-test sanity, of the collection as it is built'
	@echo 'make lint       ruff, mypy, yamllint, ansible-lint'
	@echo 'make test-interop  a part of the matrix of `make interop` with all pairs of values (six minutes)'
	@echo 'make interop    the whole matrix of clusters, one node ours, the other Debian'"'"'s heartbeat 3.0.6 (half an hour)'
	@echo 'make migration  two real heartbeats become two of ours by the playbook, and back, measured (10 minutes)'
	@echo 'make soak       simulated clusters, broken at random, until SECONDS (600) have passed'
	@echo 'make mutants    deliberate bugs in the core: are they caught? (about 13 minutes)'
	@echo 'make build      the collection as a tarball in build/'
	@echo 'make benchmark  the figures of benchmarks/README.md, measured here (about 20 minutes)'
	@echo 'make clean      remove .venv, build/ and caches'

packages:
	@tools/need $(NODE_PACKAGES) $(TOOL_PACKAGES)

venv: packages $(VENV)/installed

$(VENV)/installed: requirements-dev.txt
	@echo '-- virtual environment in $(VENV)'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

build: venv
	@tools/build
	@mkdir -p build
	@$(VENV)/bin/ansible-galaxy collection build --force --output-path build $(COLLECTION)

demo: venv
	@tools/build
	@$(VENV)/bin/python tools/demo

test: venv
	@tools/need $(TEST_PACKAGES)
	@tools/build
	@$(VENV)/bin/pytest --ignore $(LDIRECTORD_TESTS) --ignore $(ROLE_TESTS) --ignore $(VERSION_TESTS) $(PYTEST_ARGUMENTS)
	@tools/left-out

test-role: venv
	@tools/need $(TEST_PACKAGES)
	@tools/build
	@$(VENV)/bin/pytest $(ROLE_TESTS)

test-director: venv
	@tools/need $(TEST_PACKAGES)
	@tools/build
	@$(VENV)/bin/pytest $(ROLE_TESTS)/director.py $(ROLE_TESTS)/director_perl.py

test-controllers: venv
	@$(VENV)/bin/pytest $(VERSION_TESTS)

test-ldirectord: venv
	@program=$$(tools/original-ldirectord) && \
	  LDIRECTORD_ORIGINAL=$$program $(VENV)/bin/pytest $(LDIRECTORD_TESTS)

beside: venv
	@$(VENV)/bin/python tools/ldirectord-beside

properties: venv
	@GENERATED_INPUTS=100000 $(VENV)/bin/pytest $(COLLECTION)/daemon/tests/config/test_generated.py

test-kernel: test-ppp test-ipvs test-topologies

# Where everything is 20 times slower, nothing should be compiled.
compiled:
	@$(PYTHON) -m compileall -q $(COLLECTION)/daemon/src

test-ppp: compiled
	@tools/kernel-run --null-modem --package ppp --package procps $(addprefix --package ,$(NODE_PACKAGES)) -- \
	  /usr/bin/python3 $(COLLECTION)/daemon/tests/kernel/ppp.py

test-ipvs: compiled
	@tools/kernel-run --package iptables --package ipvsadm --package busybox-static $(addprefix --package ,$(NODE_PACKAGES)) -- \
	  /usr/bin/python3 $(COLLECTION)/daemon/tests/kernel/ipvs.py

# The guest is not reached by Ansible, so what the role writes on real servers is written here.
build/topologies/made: $(wildcard $(COLLECTION)/roles/realserver/*/* $(COLLECTION)/examples/*/inventory.yml) tools/realserver-commands | venv
	@$(VENV)/bin/python tools/realserver-commands build/topologies
	@touch $@

# One of them: make test-topologies TOPOLOGY=streamline
test-topologies: compiled build/topologies/made
	@tools/kernel-run --timeout 1500 --package nftables --package openssl --package python3-yaml \
	  $(addprefix --package ,$(NODE_PACKAGES)) -- \
	  /usr/bin/python3 $(COLLECTION)/daemon/tests/kernel/topologies.py $(TOPOLOGY)

lint: venv
	@tools/build
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/yamllint --strict .
	cd $(COLLECTION) && PATH="$(CURDIR)/$(VENV)/bin:$$PATH" ansible-lint --offline --strict

test-playbooks: venv
	@tools/build
	@$(VENV)/bin/pytest $(COLLECTION)/tests/in_lab/playbooks.py $(COLLECTION)/tests/in_lab/troubles.py

# RELEASE=trixie: on Debian 13 instead of 12. PACE=--pace: how fast Ansible is counts, too (on a machine without other work).
RELEASE ?= bookworm
test-molecule: $(VENV)/molecule-installed
	@$(VENV)/bin/python tools/molecule --release $(RELEASE) $(PACE) $(SCENARIO)

$(VENV)/molecule-installed: requirements-molecule.txt | venv
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements-dev.txt -r requirements-molecule.txt
	@touch $@

sanity: venv
	@tools/sanity

# Each cluster mostly waits, so many live side by side.
test-interop: venv
	@$(VENV)/bin/python tools/interop-matrix --pairwise $(INTEROP_ARGUMENTS)

interop: venv
	@$(VENV)/bin/python tools/interop-matrix --full $(INTEROP_ARGUMENTS)

migration: venv
	@tools/build
	@$(VENV)/bin/python tools/migration

# Simulated clusters, compiled, for as long as one wants: make soak SECONDS=3600
SECONDS ?= 600
COMPILER_PACKAGES := gcc libc6-dev libpython3-dev
soak: venv
	@tools/need $(COMPILER_PACKAGES)
	@$(VENV)/bin/python tools/hbsim run --seeds fresh:1000000 --jobs $(shell nproc) --seconds $(SECONDS)

mutants: venv
	@$(VENV)/bin/python $(COLLECTION)/daemon/tests/support/mutation.py

benchmark: venv
	@tools/build
	@$(VENV)/bin/python benchmarks/run

clean:
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis
