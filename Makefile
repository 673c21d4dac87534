# What people and CI run. `python` is the interpreter of the active environment.
PYTHON ?= python
export INTERLOCK_VAR ?= $(CURDIR)/var/check
APPS = config devices templates_app approvals jobs

.PHONY: check format test test-all broken bench chaos lock fuzz-schedules fuzz-approvals fuzz-session fuzz-api

check:            ## formatting, lint, types, migrations
	ruff format --check .
	djhtml --check --tabwidth 2 $(APPS)
	djcss --check --tabwidth 2 static
	djjs --check --tabwidth 2 static
	ruff check .
	mypy $(APPS)
	$(PYTHON) manage.py check
	$(PYTHON) manage.py makemigrations --check --dry-run
	$(PYTHON) manage.py spectacular --validate --fail-on-warn --file /dev/null

format:           ## write Python, templates, style sheets and scripts as check wants them
	ruff format .
	djhtml --tabwidth 2 $(APPS)
	djcss --tabwidth 2 static
	djjs --tabwidth 2 static

test:             ## everything that needs no server
	$(PYTHON) manage.py test

test-all: test    ## the same on PostgreSQL, then end to end with real processes
	$(PYTHON) -m tests.servers $(PYTHON) -m pytest -q -m "not e2e and not sweep and not broken" -n 2 --dist worksteal
	$(PYTHON) -m pytest -q -m sweep -n 2 --dist worksteal
	$(PYTHON) -m pytest -q -m e2e

broken:           ## every build that is broken on purpose must be caught by the tests of its room (10 minutes)
	$(PYTHON) -m pytest -q -m broken -n 2

bench:            ## devices per second beside Nornir+Netmiko, also on slow devices (on a fleet that costs little where Go is installed); the scheduler with 100,000 triggers beside django-celery-beat; the lists of the API with 1,000,000 device runs
	$(PYTHON) -m tests.bench --devices 1000 --parallel 100 --processes 2 --goal 4
	$(PYTHON) -m tests.bench --devices 1000 --parallel 100 --processes 2 --goal 4 --texts other --clients "Our sessions alone" "Nornir+Netmiko"
	$(PYTHON) -m tests.bench --devices 1000 --parallel 200 --processes 2 --goal 1.6 --delay 0.2 --rounds 1
	$(PYTHON) -m tests.bench --devices 2000 --parallel 1000 --processes 2 --goal 5 --delay 0.2 --rounds 1 --clients "Our sessions alone" "Nornir+Netmiko"
	$(PYTHON) -m tests.servers $(PYTHON) -m tests.bench --devices 1000 --parallel 100 --processes 2 --goal 4
	$(PYTHON) -m tests.servers $(PYTHON) -m tests.bench_schedule
	$(PYTHON) -m tests.servers $(PYTHON) -m tests.bench_lists

chaos:            ## every failpoint cell, then a storm of KILLS kills, then the builds that must be caught: make chaos KILLS=1000
	$(PYTHON) -m tests.chaos cells
	$(PYTHON) -m tests.chaos storm --kills $(or $(KILLS),1000)
	$(PYTHON) -m tests.chaos broken

lock:             ## compile the pinned requirements from pyproject.toml (needs uv)
	uv pip compile --universal --python-version 3.11 pyproject.toml -o requirements.txt --no-header --no-annotate -q
	uv pip compile --universal --python-version 3.11 pyproject.toml --extra dev -c requirements.txt -o requirements-dev.txt --no-header --no-annotate -q

fuzz-schedules:   ## compare the recurrence engine with its judges at N clock changes: make fuzz-schedules N=5000000
	N=$(or $(N),5000000) $(PYTHON) -m pytest -q -s tests/jobs/test_schedule_sweep.py

fuzz-approvals:   ## play N random sequences of fifty actions of everybody who has to do with an approval: make fuzz-approvals N=1000
	N=$(or $(N),200) $(PYTHON) -m pytest -q tests/approvals/test_machine.py -m sweep -n 2

fuzz-session:     ## play N devices that pause, echo oddly and print look-alikes: make fuzz-session N=1000000
	N=$(or $(N),1000000) $(PYTHON) -m pytest -q -s tests/devices/test_alignment.py -m sweep

fuzz-api:         ## about N requests made up from the OpenAPI document, as three people: make fuzz-api N=50000
	N=$(or $(N),50000) $(PYTHON) -m pytest -q -s --timeout=7200 tests/e2e/test_api_document.py -k schemathesis
