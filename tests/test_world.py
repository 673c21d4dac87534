"""The world of the tests stands whole whatever ran before."""

import pytest
from django.apps import apps
from django.db import connection

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="Tests of real transactions need PostgreSQL."),
    pytest.mark.django_db(transaction=True),
]
found = []


@pytest.mark.parametrize("turn", [1, 2])
def test_a_test_of_real_transactions_leaves_the_world_whole_to_the_next(turn):
    """Django empties the tables behind the first; two processes share the work, so any test may come after it."""
    labels = "auth.User", "devices.Device", "devices.Role", "devices.Tenant", "templates_app.ServiceTemplate"
    found.append({label: apps.get_model(label)._base_manager.count() for label in labels})
    assert found[0] == found[-1] and all(found[0].values())
