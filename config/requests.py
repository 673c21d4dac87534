"""What a page is given: a request of somebody who is signed in."""

from django.contrib.auth.models import User
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class Request(HttpRequest):
    """The type of a page's request. `SignInRequired` lets only signed-in people through, so `user` is one of them.

    Nothing makes one: Django's own request is meant, and only the type checker reads this.
    """

    user: User
    htmx: HtmxDetails
