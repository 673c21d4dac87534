"""`Idempotency-Key` on requests that make something."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable

from django.utils.crypto import salted_hmac
from rest_framework.request import Request
from rest_framework.response import Response

from devices.services.idempotency import answer_once


def once(handler: Callable[..., Response]) -> Callable[..., Response]:
    """Let a handler act once for each key; the answer to a repeated request carries `Idempotency-Replayed: true`."""

    @functools.wraps(handler)
    def inner(self: object, request: Request, *args: object, **kwargs: object) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return handler(self, request, *args, **kwargs)

        def do() -> tuple[int, object]:
            answer = handler(self, request, *args, **kwargs)
            # As it goes out: a stored answer holds plain JSON.
            return answer.status_code, json.loads(json.dumps(answer.data, default=str))

        asked = json.dumps([request.method, request.path, request.data], sort_keys=True, default=str)
        # Keyed, because what is asked may hold a password.
        digest = salted_hmac("devices.api.once", asked, algorithm="sha256").hexdigest()
        status, body, again = answer_once(by=request.user, key=key, digest=digest, do=do)
        return Response(body, status=status, headers={"Idempotency-Replayed": "true"} if again else None)

    return inner
