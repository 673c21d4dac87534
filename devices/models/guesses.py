"""How often somebody guessed a password or a token lately."""

from django.db import models


class Guesses(models.Model):
    """A budget that was begun: `count` guesses, the last of them `at`. What it is about is not always known to exist.

    `scope` says what is counted together (`devices.services.sign_in.Scope`); `account` and `origin` (an address, or a
    remembered browser) are empty where they do not matter to it.
    """

    scope = models.CharField(max_length=10)
    account = models.CharField(max_length=150)
    origin = models.CharField(max_length=64)
    count = models.PositiveIntegerField(default=1)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "account", "origin"], name="guesses_counted_once")]
        indexes = [models.Index(fields=["at"]), models.Index(fields=["account"])]
