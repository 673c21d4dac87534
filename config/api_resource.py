"""The base of every API resource (apart from `config/api.py`, which the framework's settings name)."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404
from rest_framework import mixins, viewsets
from rest_framework.filters import OrderingFilter, SearchFilter


class Resource(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Base of every API resource. A subclass gives `rows(user)`, the scoped queryset that everything starts from."""

    filter_backends = [SearchFilter, OrderingFilter]
    search_fields: list[str] = []
    ordering_fields: list[str] = []

    def rows(self, user: Any) -> QuerySet[Any]:
        """Return the rows that the user sees."""
        raise NotImplementedError

    def get_queryset(self) -> QuerySet[Any]:
        """Scope to the caller; nothing at all while the schema is being made."""
        if getattr(self, "swagger_fake_view", False):
            return self.serializer_class.Meta.model._default_manager.none()  # type: ignore[union-attr]
        rows = self.rows(self.request.user)
        return rows if rows.query.order_by else rows.order_by("pk")

    def get_object(self) -> Any:
        """Return the row named in the URL; an id of the wrong kind is as unknown as a foreign one."""
        try:
            return super().get_object()
        except (ValueError, ValidationError):
            raise Http404 from None
