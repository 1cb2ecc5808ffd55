# make dev    the gateway, a stand-in org and a demo app in one process
# make test   everything that CI runs: installs what it needs, then style, types, tests
# make replicas  the rows of the field about who a user is, and journeys, once more on three replicas with a real Redis
# make bench  the measurements of tests/bench; OLD=CHECKOUT: beside an older gateway, compiled in its own checkout
# make compiled  the compiled build, and the tests of what it compiles once more on it
# make lint   style and types alone
# make clean  what the tools left behind; `make distclean` takes the environments too

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help dev test bench lint style types policy policy-meanwhile suite replicas compiled clean distclean

PYTHON ?= python3
# The tests wait more than they compute: three at once on two cores. With four, some are late by seconds.
WORKERS ?= 3
ARGS ?=
OLD ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
UV := $(BIN)/uv pip install --quiet --system-certs --compile-bytecode --python $(BIN)/python
PIP_WHEEL := $(BIN)/python -m pip wheel --quiet --disable-pip-version-check
FOR_DEV := $(VENV)/.for-dev
FOR_TESTS := $(VENV)/.for-tests
FOR_BENCH := $(VENV)/.for-bench
NPM := tests/browser/npm
NODE_MODULES := $(if $(wildcard $(NPM)/package-lock.json),$(NPM)/node_modules/.package-lock.json)
COMPILED := build/compiled
# Debian's own Python has its headers in a package of its own; others bring them along.
HAS_HEADERS := import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))
# Of the rows of the field, those about what is compiled.
FIELD := $(addprefix field/test_,t1_* t2_* t5_* t7_* t9_* t13_* t23_* t25_* t28_* x22_* y* sessions_of_apps* apps_hear*)
ROOMS := policy doors closing coordination observe edge upstream sessions attacks journeys revocations compose $(addprefix workers/test_,spreading.py streams.py) fronts $(FIELD) deploy/test_compiled.py
ON_REPLICAS := $(addprefix field/test_,x* t3_* t4_* t10_* t15_*) $(addprefix journeys/test_,promise.py bad_weather.py stampede.py)
TREE := CHANGELOG.md LICENSE Makefile README.md config deploy gateway pyproject.toml requirements.txt tests
# The programs of the tests, by a file of each, and Debian's packages that hold them.
OF_DEBIAN := $(addprefix /usr/,bin/chromium bin/chromium-headless-shell bin/curl bin/firefox-esr bin/javac bin/php bin/redis-sentinel \
    bin/redis-server bin/systemd-analyze bin/Xvfb bin/WebKitWebDriver sbin/haproxy sbin/nginx bin/caddy lib/apache2/modules/mod_dav_svn.so \
    lib/rabbitmq/bin/rabbitmq-server share/tomcat10/lib/tomcat-websocket.jar)
PACKAGES := chromium chromium-headless-shell fonts-liberation curl firefox-esr default-jdk-headless php-cli redis-sentinel gcc libc6-dev redis-server \
    systemd xvfb webkit2gtk-driver haproxy nginx caddy apache2 subversion libapache2-mod-svn rabbitmq-server tomcat10-common
WRK := /usr/bin/wrk
APACHE := /usr/lib/apache2/modules/mod_auth_openidc.so
OAUTH2_PROXY := $(BIN)/oauth2-proxy

# What was compiled once is kept: every process that a test starts reads the same sources, and `make clean` removes it.
unexport PYTHONDONTWRITEBYTECODE

# Playwright drives Debian's Chromium and must not fetch a browser of its own.
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD := 1

# $(call apt,PACKAGES,PURPOSE): install as root on Debian, without what the packages only recommend, and without those that this release does
# not have. Where that is not possible say so and go on: the tests name what they miss.
# Meanwhile a policy keeps Debian from starting what is installed as a service of this machine. Only one recipe at a time installs.
POLICY := /usr/sbin/policy-rc.d
define apt
if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && exec 9</var/lib/dpkg && flock 9 \
    && { [ -e $(POLICY) ] || { trap 'rm -f $(POLICY)' EXIT; printf '#!/bin/sh\nexit 101\n' >$(POLICY); chmod 755 $(POLICY); }; } \
    && { apt-get update -q && known=$$(apt-cache pkgnames | grep -Fx $(1:%=-e %)) \
        && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$known; } >&2 9<&-; \
then true; else echo "make: could not install $(1), needed for $(2)" >&2; fi
endef

# $(call install,ARGUMENTS): with uv, which takes a fifth of pip's time. It reads nothing of pip's configuration, so it is told the index that
# pip uses. Where uv cannot be had, or fails, pip installs.
define install
{ $(PIP) --constraint requirements.txt uv \
    && index=$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(BIN)/python -m pip config get global.index-url 2>/dev/null || true)}} \
    && UV_DEFAULT_INDEX=$$index $(UV) $(1); } || $(PIP) $(1)
endef

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

dev: $(FOR_DEV)
	$(BIN)/session-gateway dev $(ARGS)

# The packages of Debian, Python and Node are installed at the same time. Then lint, suite, replicas and compiled run one after the other, and
# wait often. What only computes uses that time at the lowest priority: the compiler, then the tests of the policy.
test:
	+@$(MAKE) --no-print-directory --jobs=3 IN_TURN=yes compiled policy-meanwhile

ifdef IN_TURN
suite: | lint
replicas: | suite
compiled: | replicas
policy-meanwhile: | $(COMPILED)/.made
endif

# Its output appears at its end: otherwise it would stand between the lines of other tests.
policy-meanwhile:
	+@nice -n 19 $(MAKE) --no-print-directory --output-sync policy

lint: style types

style: $(FOR_TESTS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(FOR_TESTS)
	$(BIN)/mypy

# The pure rules are covered whole, branch by branch, by their own tests. Measuring that takes twice the time. So tests with made-up
# examples try a fifth of them here, and all on the compiled build.
policy: $(FOR_TESTS)
	HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-covered} $(BIN)/python -m pytest tests/policy --cov=gateway.policy --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100 --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder

suite: $(FOR_TESTS) $(NODE_MODULES) | $(OF_DEBIAN)
	$(BIN)/python -m pytest --ignore=tests/policy --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder

# What holds for one gateway holds for three of them on a real Redis: the rows of the field about who the browser's user is, and journeys.
# Tests that start workers of their own are the same there, and waiting for half a minute.
replicas: $(FOR_TESTS) | $(OF_DEBIAN)
	FIELD_ON=replicas $(BIN)/python -m pytest $(addprefix tests/,$(ON_REPLICAS)) -k "not in_every_worker" --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder

# Some tests put classes of their own in place of compiled ones, which only plain Python allows.
ON_PLAIN_PYTHON = journeys/test_one_user.py journeys/test_two_replicas.py journeys/test_left_answers.py journeys/test_factors.py journeys/test_new_browsers.py upstream/test_write_batch_of_ones_own.py
# The suite holds this, and what it tests is not compiled: how Redis fails. So it is with most of tests/workers (how a process starts, ends
# and is replaced; test_one_user_as_processes does that here too), with tests/config and with tests/commands.
HELD_BY_SUITE := journeys/test_redis_weather.py

# The tests read the sources, the configuration and the recipes beside them: a whole tree, in which libraries stand beside their sources.
# It is made anew when a source changes: a library that is older than its source would hide the change.
# Bytecode is copied too, with the times by which Python knows that it fits: without it, every process of the tests would compile for 12 s.
# Files named *.pyc.* are left out: a process is still writing them.
compiled: $(COMPILED)/.made | $(OF_DEBIAN)
	cd $(COMPILED) && $(CURDIR)/$(BIN)/python -P -m pytest $(addprefix tests/,$(ROOMS)) $(addprefix --ignore=tests/,$(ON_PLAIN_PYTHON) $(HELD_BY_SUITE)) --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder

$(COMPILED)/.made: $(FOR_TESTS) deploy/compiled.py $(shell find gateway tests config -name '*.py' -o -name '*.toml')
	rm -rf $(COMPILED) build/wheel
	@{ command -v gcc && $(BIN)/python -c '$(HAS_HEADERS)'; } >/dev/null || { $(call apt,gcc libc6-dev python3-dev,the compiled build); }
	HATCH_BUILD_HOOK_ENABLE_CUSTOM=true nice -n 19 $(PIP_WHEEL) --no-deps --no-build-isolation --wheel-dir build/wheel .
	mkdir -p $(COMPILED)
	find $(TREE) ! -type d ! -name '*.pyc.*' -print0 | xargs -0 cp -P --preserve=timestamps --parents -t $(COMPILED)
	$(BIN)/python -m zipfile -e build/wheel/*.whl $(COMPILED)
	@[ ! -e ../shared ] || ln -sfn ../../shared build/shared
	@touch $@

# ARGS go to the benchmark of proxies: make bench ARGS="--quick --plot bench.svg"
BESIDE := $(if $(OLD),--old $(OLD))
bench: $(FOR_BENCH) $(COMPILED)/.made | $(WRK) $(OF_DEBIAN) $(APACHE) $(OAUTH2_PROXY)
	@status=0; \
	for program in $(filter-out %/__init__.py %/kinds.py,$(wildcard tests/bench/*.py)); do \
	    module=$${program%.py}; \
	    echo "== $$program"; \
	    $(BIN)/python -m "$${module//\//.}" || status=1; \
	done; \
	for module in kinds pages proxies; do \
	    echo "== tests/bench/$$module"; \
	    more=; [ $$module != proxies ] || more='$(ARGS)'; \
	    $(BIN)/python -m tests.bench.$$module $(BESIDE) $$more || status=1; \
	done; \
	exit $$status

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || { echo "make: Python 3.11 to 3.14 is needed: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(call apt,python3-venv,the virtual environment); }
	$(PYTHON) -m venv $(VENV)

# What runs, in the pinned versions, and nothing of the tests.
$(FOR_DEV): pyproject.toml requirements.txt $(VENV)/pyvenv.cfg
	@$(call install,--constraint requirements.txt --editable .)
	@touch $@

$(FOR_TESTS): pyproject.toml requirements.txt $(VENV)/pyvenv.cfg
	@$(call install,--requirement requirements.txt)
	@$(call install,--no-deps --editable .)
	@touch $@ $(FOR_DEV)

# What only the benchmark starts; the proxies that the gateway is measured against come with the tests. What cannot be had is skipped.
$(FOR_BENCH): tests/bench/proxies/requirements.txt $(FOR_TESTS)
	@$(call install,--requirement $<) || echo "make: could not install all of $<; the benchmark says what it misses" >&2
	@touch $@

$(NPM)/node_modules/.package-lock.json: $(NPM)/package-lock.json
	@command -v npm >/dev/null || { $(call apt,nodejs npm,the tests with Okta's own browser client and with an app of NTLM); }
	@if command -v npm >/dev/null; then npm ci --prefix $(NPM) --ignore-scripts --no-audit --no-fund && touch $@; fi

# One installation for all of them. The tests start servers of their own.
$(OF_DEBIAN) &:
	@$(call apt,$(PACKAGES),the tests with real programs)

$(WRK):
	@$(call apt,wrk,the benchmark)

$(APACHE):
	@$(call apt,libapache2-mod-auth-openidc,the benchmark of pages)

$(OAUTH2_PROXY): | $(VENV)/pyvenv.cfg
	@command -v go >/dev/null && GOBIN=$(CURDIR)/$(BIN) go install github.com/oauth2-proxy/oauth2-proxy/v7@v7.15.6 \
	    || echo "make: no oauth2-proxy, which needs Go; the benchmark of pages leaves it out" >&2

clean:
	rm -rf build dist .coverage .coverage.* htmlcov .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .grimp_cache
	find gateway tests deploy -name node_modules -prune -o -name __pycache__ -type d -print0 | xargs -0 --no-run-if-empty rm -rf

distclean: clean
	rm -rf $(VENV) $(NPM)/node_modules
