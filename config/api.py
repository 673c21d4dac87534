"""What every API shares: problem+json errors (RFC 9457), and the way a ServiceError becomes an answer."""

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from config.errors import Invalid, ServiceError


def problem(error: Exception, context: dict[str, object]) -> Response | None:
    """Answer any expected error as application/problem+json; return None for a defect, which stays a 500."""
    headers: dict[str, str] = {}
    body: dict[str, object]
    if isinstance(error, ServiceError):
        body = {
            "type": f"about:blank#{error.code}",
            "title": error.code,
            "status": error.status,
            "detail": error.message,
        }
        if isinstance(error, Invalid):
            body["errors"] = error.fields
    elif isinstance(error, exceptions.ValidationError):
        body = {"type": "about:blank#invalid", "title": "invalid", "status": 400}
        body["detail"] = "The input is not valid; 'errors' names each field."
        body["errors"] = error.detail
    elif isinstance(error, exceptions.APIException):
        body = {
            "type": f"about:blank#{error.default_code}",
            "title": error.default_code,
            "status": error.status_code,
            "detail": str(error.detail),
        }
        wait, challenge = getattr(error, "wait", None), getattr(error, "auth_header", None)
        headers |= {"WWW-Authenticate": challenge} if challenge else {}
        headers |= {"Retry-After": str(int(wait))} if wait else {}
    elif isinstance(error, Http404):
        body = {
            "type": "about:blank#not_found",
            "title": "not_found",
            "status": 404,
            "detail": "There is no such resource.",
        }
    elif isinstance(error, PermissionDenied):
        body = {"type": "about:blank#forbidden", "title": "forbidden", "status": 403, "detail": "You may not do this."}
    else:
        return None
    return Response(body, status=body["status"], headers=headers, content_type="application/problem+json")
