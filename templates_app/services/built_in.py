"""The product's own templates as rows of a tenant: made when they are first wanted, a new version when their content
is new."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, QuerySet

from devices.models import Tenant
from templates_app.domain.built_in import BuiltInTemplate
from templates_app.models import Script, ServiceTemplate, TemplateVersion

#: So many tenants at most are given their templates at once; a page that asks again gives the next ones theirs.
TENANTS_AT_ONCE = 50


def keep_built_in(
    tenant: Tenant, built_in: BuiltInTemplate, *, script: Script | None = None, by: User | None = None
) -> ServiceTemplate:
    """Return a tenant's own row of a built-in template, at the product's present content.

    `script` is the one of the library that the template runs, if it is for one; `by` is named as author of a version
    made now.
    """
    found = _row(tenant, built_in)
    if found and found.current and found.current.data == built_in.content.as_json():
        return found
    with transaction.atomic():
        # The tenant's row makes two first uses at once wait for each other.
        Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
        template = _row(tenant, built_in)
        if template is None:
            taken = ServiceTemplate.objects.filter(tenant=tenant, name__iexact=built_in.name).exists()
            name = f"{built_in.name[:105]} (built in)" if taken else built_in.name[:120]
            template = ServiceTemplate(tenant=tenant, built_in=built_in.key, script=script, name=name)
        template.description, template.status = built_in.description, ServiceTemplate.Status.READY
        template.save()
        data = built_in.content.as_json()
        if template.current is None or template.current.data != data:
            number = template.current.number + 1 if template.current else 1
            template.current = TemplateVersion.objects.create(
                tenant=tenant, template=template, number=number, data=data, created_by=by
            )
            ServiceTemplate.objects.filter(pk=template.pk).update(current=template.current)
    return template


def ensure_built_ins(tenants: QuerySet[Tenant], wanted: Collection[BuiltInTemplate]) -> None:
    """See to it that these tenants have all of the wanted templates: those who lack one, the first fifty of them."""
    keys = [built_in.key for built_in in wanted]
    rows = ServiceTemplate.objects.filter(built_in__in=keys).order_by().values("tenant").annotate(n=Count("pk"))
    having = rows.filter(n=len(keys)).values("tenant")
    for tenant in tenants.exclude(pk__in=having)[:TENANTS_AT_ONCE]:
        for built_in in wanted:
            keep_built_in(tenant, built_in)


def _row(tenant: Tenant, built_in: BuiltInTemplate) -> ServiceTemplate | None:
    return ServiceTemplate.objects.select_related("current").filter(tenant=tenant, built_in=built_in.key).first()
