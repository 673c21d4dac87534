"""The cast and the world of every test: the demo world, loaded once, each test in a transaction of its own."""

import json
import logging
import os
import tempfile

os.environ.setdefault("INTERLOCK_VAR", tempfile.mkdtemp(prefix="interlock-test-"))
os.environ.setdefault("BROKER_URL", "memory://")

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction

from devices.models import Tenant
from tests import database


def pytest_configure(config):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.DEMO, settings.ALLOWED_TARGETS = True, ["127.0.0.0/8", "::1/128"]
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    # WhiteNoise would look at each of the 200 static files for each client; like this it looks when one is asked for.
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_modify_db_settings, django_db_createdb, django_db_blocker):
    """Make the database once per process, the demo world in it; `--create-db` migrates even where a schema is kept."""
    with django_db_blocker.unblock():
        before = database.prepare(anew=django_db_createdb)
    yield
    with django_db_blocker.unblock():
        connection.creation.destroy_test_db(before, verbosity=0)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    """Load the world again after a test of real transactions: Django empties every table behind it.

    Such tests come last in one process, but of two that share the work the quick one takes over what the other has not
    begun.
    """
    yield
    mark, blocker = item.get_closest_marker("django_db"), item.funcargs.get("django_db_blocker")
    if nextitem and blocker and mark and mark.kwargs.get("transaction"):
        with blocker.unblock():
            database.load_world()


@pytest.fixture(scope="module")
def shared_world(django_db_setup, django_db_blocker):
    """A transaction around the tests of a module; in the yielded context a module's fixture builds what they share.

    Each test that has the database undoes its own changes to the savepoint it began at, as always. Rows are shared,
    objects are not: hand each test a copy of its own. Not for modules with tests of real transactions.
    """
    around = transaction.atomic()
    around._from_testcase = True  # as in Django's TestCase: a durable block may stand inside
    with django_db_blocker.unblock():
        around.__enter__()
    yield django_db_blocker.unblock
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        around.__exit__(None, None, None)


@pytest.fixture
def person(db):
    """Return the account of a name, fresh from the database."""
    return lambda name: User.objects.get(username=name)


@pytest.fixture
def tenant(db):
    """Return the tenant of a key."""
    return lambda key: Tenant.objects.get(key=key)


@pytest.fixture
def browser(client, person):
    """Return a test client signed in as somebody."""

    def sign_in(name):
        client.force_login(person(name), backend="devices.web.sign_in.Guarded")
        return client

    return sign_in


@pytest.fixture
def api():
    """Return an API client with somebody's demo token."""
    from rest_framework.test import APIClient

    def signed(name):
        found = APIClient(raise_request_exception=True)
        found.credentials(HTTP_AUTHORIZATION=f"Bearer demo-{name}")
        return found

    return signed


@pytest.fixture
def wakeups(monkeypatch):
    """Collect the wakeups that would go to the broker."""
    from config import wakeups

    sent = []
    monkeypatch.setattr(wakeups, "send", sent.extend)
    return sent


@pytest.fixture
def acme(tenant, wakeups):
    """Return the tenant of most tests, whose wakeups are collected."""
    return tenant("acme")


@pytest.fixture
def log_lines():
    """Collect what is written into the server log, each line as what its JSON says."""
    from config.logs import JsonLines

    lines, root, handler = [], logging.getLogger(), logging.Handler()
    handler.setFormatter(JsonLines())
    handler.emit = lambda record: lines.append(json.loads(handler.format(record)))
    root.addHandler(handler)
    yield lines
    root.removeHandler(handler)


@pytest.fixture
def committed(monkeypatch):
    """Do what waits for a commit at once: the transaction around a test has none."""
    from django.db import transaction

    monkeypatch.setattr(transaction, "on_commit", lambda work, *given, **named: work())
