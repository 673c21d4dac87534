"""Pages of service templates and configuration profiles."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.forms import BaseFormSet
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html

from config import lists
from config.errors import Forbidden, Invalid
from config.lists import Column, Filter, Listing
from config.pages import form_page, show_problems
from config.requests import Request
from config.ui import ago, pill
from devices import access as tenants
from devices.domain.roles import Verb
from devices.drivers import platforms
from devices.models import Tenant
from devices.web.scope import TENANT, within
from templates_app import access, selectors
from templates_app.domain.content import TemplateContent
from templates_app.models import ServiceTemplate
from templates_app.services import authoring
from templates_app.web import forms

STATUS_COLOURS = {"draft": "idle", "ready": "ok", "disabled": "warn"}


def template_list(request: Request) -> HttpResponse:
    """The template list."""
    columns = (
        Column(
            "Name",
            lambda t: format_html('<a href="{}">{}</a>', reverse("template", args=[t.pk]), t.name),
            sort="name",
            css="strong",
        ),
        TENANT,
        Column("Platforms", lambda t: ", ".join(map(platforms.label, t.latest.content.platforms)) or "Any"),
        Column("Changes devices", lambda t: pill("yes", "Yes", "warn") if t.latest.content.changes_devices else "No"),
        Column("Version", lambda t: t.latest.number, num=True),
        Column("Status", lambda t: pill(t.status, t.get_status_display(), STATUS_COLOURS[t.status]), sort="status"),
        Column("Changed", lambda t: ago(t.changed_at), sort="changed_at"),
    )
    new_url = reverse("new-template") if access.may_author_anywhere(request.user) else ""
    filters = (
        Filter(
            "status",
            "Status",
            [("ready", "Ready"), ("draft", "Draft"), ("disabled", "Disabled")],
            lists.field("status"),
        ),
    )
    listing = Listing(
        title="Service Templates",
        columns=columns,
        search=("name", "description"),
        empty="No template yet. A template says what a job does.",
        filters=filters,
        order="name",
        new_url=new_url,
        new_label="New template",
    )
    return lists.show(request, within(request, selectors.visible_templates(request.user)), listing)


def template(request: Request, pk: int) -> HttpResponse:
    """One template: steps, variables, versions, and "Add to Upload Job"."""
    found = tenants.get_visible(request.user, selectors.visible_templates(request.user), pk=pk)
    versions = selectors.visible_versions(request.user).filter(template=found)
    version = tenants.get_visible(request.user, versions, number=request.GET.get("version", found.latest.number))
    steps = [
        (step, [(platforms.label(key) if key != "*" else "Any platform", text) for key, text in step.commands.items()])
        for step in version.content.steps
    ]
    context = {
        "template": found,
        "version": version,
        "versions": versions,
        "steps": steps,
        "platforms": ", ".join(map(platforms.label, version.content.platforms)) or "Any",
        "colour": STATUS_COLOURS[found.status],
        "may_use": found.status == "ready" and tenants.may(request.user, Verb.RUN, found.tenant),
        "may_author": access.may_author(request.user, found.tenant),
    }
    return render(request, "templates_app/template.html", context)


def edit_template(request: Request, pk: int | None = None) -> HttpResponse:
    """The editor. "Add" buttons post the whole page and come back with one form more, so nothing is lost."""
    instance = _template_to_edit(request, pk)
    data = _grown(request.POST) if request.method == "POST" else None
    head, variables, steps = _editor_forms(request, instance, data)
    growing = data is not None and bool({"add_step", "add_variable", "show_fields"} & data.keys())
    saved = _save(request, instance, head, variables, steps) if data is not None and not growing else None
    if saved:
        messages.success(request, f"The template was saved as version {saved.latest.number}.")
        return redirect("template", pk=saved.pk)
    context = {"head": head, "variables": variables, "steps": steps, "template": instance, "growing": growing}
    return render(request, "templates_app/edit.html", context)


def _template_to_edit(request: Request, pk: int | None) -> ServiceTemplate | None:
    """Return the template that may be changed, None for a new one; Forbidden where neither is allowed."""
    if pk:
        instance = tenants.get_visible(request.user, selectors.visible_templates(request.user), pk=pk)
        access.check_may_author(request.user, instance.tenant)
        return instance
    if not access.may_author_anywhere(request.user):
        raise Forbidden("You may not write templates in any tenant. Ask a tenant administrator for the role.")
    return None


def _editor_forms(
    request: Request, instance: ServiceTemplate | None, data: QueryDict | None
) -> tuple[forms.HeadForm, BaseFormSet[forms.VariableForm], BaseFormSet[forms.StepForm]]:
    """Return the forms of head, variables and steps, of what was posted or of the template as it is stored."""
    content = instance.latest.content if instance else TemplateContent(())
    head = forms.HeadForm(
        data,
        user=request.user,
        tenants=tenants.tenants_where(request.user, Verb.AUTHOR).order_by("path"),
        tenant=instance.tenant if instance else None,
        instance=instance,
        initial=forms.initial_head(instance, content) if instance else None,
    )
    known = {key for step in content.steps for key in step.commands}
    others = data.getlist("others") if data is not None else [*known, *content.platforms]
    variables = forms.Variables(data, prefix="v", initial=forms.initial_variables(content))
    steps = forms.Steps(data, prefix="s", initial=forms.initial_steps(content) or [{}], form_kwargs={"others": others})
    return head, variables, steps


def _grown(post: QueryDict) -> QueryDict:
    """Return the posted data, one form larger where an Add button was pressed."""
    data = post.copy()
    for button, prefix in (("add_step", "s"), ("add_variable", "v")):
        if button in data:
            total = int(data.get(f"{prefix}-TOTAL_FORMS", 0) or 0)
            data[f"{prefix}-TOTAL_FORMS"] = str(min(total + 1, 50))
            if prefix == "s":
                data.update({f"s-{total}-timeout": "30", f"s-{total}-ORDER": str(total + 1)})
            else:
                data[f"v-{total}-required"] = "on"
    return data


def _save(
    request: Request,
    instance: ServiceTemplate | None,
    head: forms.HeadForm,
    variables: BaseFormSet[forms.VariableForm],
    steps: BaseFormSet[forms.StepForm],
) -> ServiceTemplate | None:
    if not all([head.is_valid(), variables.is_valid(), steps.is_valid()]):
        return None
    kept_variables, kept_steps = forms.kept(variables), forms.kept(steps)
    content = TemplateContent(
        steps=tuple(form.value() for form in kept_steps),
        variables=tuple(form.value() for form in kept_variables),
        platforms=(*head.cleaned_data["platforms"], *head.cleaned_data["others"]),
    )
    values = {key: head.cleaned_data[key] for key in ("name", "description", "status")}
    try:
        return authoring.save_template(
            by=request.user, tenant=cast(Tenant, head.tenant), content=content, instance=instance, **values
        )
    except Invalid as error:
        for path, sentences in error.fields.items():
            _place(path.split("."), sentences, head, kept_variables, kept_steps, error)
        return None


def _place(
    path: list[str],
    sentences: list[str],
    head: forms.HeadForm,
    variables: list[forms.VariableForm],
    steps: list[forms.StepForm],
    error: Invalid,
) -> None:
    """Put a problem of the content beside the field it belongs to."""
    if path[0] == "steps" and len(path) > 2:
        form, name = steps[int(path[1])], path[2]
        field = form.body_name(path[3]) if name == "commands" else name
        form.add_error(field, sentences)
    elif path[0] == "variables" and len(path) > 2:
        variables[int(path[1])].add_error(path[2], sentences)
    else:
        show_problems(head, Invalid(fields={path[0]: sentences}))


def profile_list(request: Request) -> HttpResponse:
    """The configuration profile list."""
    columns = (
        Column(
            "Name",
            lambda p: format_html('<a href="{}">{}</a>', reverse("edit-profile", args=[p.pk]), p.name),
            sort="name",
            css="strong",
        ),
        Column("Description", lambda p: p.description or "—"),
        Column("Values", lambda p: ", ".join(f"{k} = {v}" for k, v in p.values.items()) or "—", css="mono"),
        TENANT,
    )
    new_url = reverse("new-profile") if access.may_author_anywhere(request.user) else ""
    listing = Listing(
        title="Configuration Profiles",
        columns=columns,
        search=("name", "description"),
        empty="No profile yet.",
        order="name",
        intro="A profile is a named set of values for runtime variables; each task of a job can choose one.",
        new_url=new_url,
        new_label="New profile",
    )
    return lists.show(request, within(request, selectors.visible_profiles(request.user)), listing)


def edit_profile(request: Request, pk: int | None = None) -> HttpResponse:
    """Make or change a profile."""
    instance = tenants.get_visible(request.user, selectors.visible_profiles(request.user), pk=pk) if pk else None
    if instance:
        access.check_may_author(request.user, instance.tenant)
    elif not access.may_author_anywhere(request.user):
        raise Forbidden("You may not write profiles in any tenant. Ask a tenant administrator for the role.")
    initial = None
    if instance:
        lines = "\n".join(f"{key} = {value}" for key, value in instance.values.items())
        initial = {"name": instance.name, "description": instance.description, "values": lines}
    form = forms.ProfileForm(
        request.POST or None,
        user=request.user,
        tenants=tenants.tenants_where(request.user, Verb.AUTHOR).order_by("path"),
        tenant=instance.tenant if instance else None,
        instance=instance,
        initial=initial,
    )

    def save() -> str:
        tenant = cast(Tenant, form.tenant)
        authoring.save_profile(by=request.user, tenant=tenant, instance=instance, **form.cleaned_data)
        return "The profile was saved."

    title = f"Change profile {instance}" if instance else "New profile"
    return form_page(request, form, save, title=title, back="profiles", back_label="Configuration Profiles")
