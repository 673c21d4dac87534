"""A service template that the product itself keeps for every tenant. What is in it belongs to the job types."""

from __future__ import annotations

from dataclasses import dataclass

from templates_app.domain.content import TemplateContent


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltInTemplate:
    """One of the product's own templates: `key` (60 characters at most) is unique in a tenant."""

    key: str
    name: str
    description: str
    content: TemplateContent
