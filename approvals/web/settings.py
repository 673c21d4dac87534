"""Settings → Change Approvals: policies of each tenant, and who stands in for whom."""

from __future__ import annotations

from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from approvals import kinds, policies, selectors
from approvals.domain import Step
from approvals.models import ApprovalPolicy
from config import lists
from config.errors import Forbidden, Invalid
from config.json_value import Json
from config.lists import Column, Listing
from config.pages import form_page, show_problems
from config.requests import Request
from devices import access
from devices.domain.roles import Verb
from devices.models import Tenant
from devices.web.fields import offer_choices, offer_rows
from devices.web.forms import TenantForm
from devices.web.scope import within

REQUIRED_CHOICES = [("", "no such step"), ("1", "1 approval"), ("2", "2 approvals"), ("3", "3 approvals")]


class PolicyForm(TenantForm):
    """One policy: up to three steps."""

    applies_to = forms.ChoiceField(
        label="Applies to", required=False, help_text="A policy for a template comes before one for its job type."
    )
    required_1 = forms.ChoiceField(label="Step 1", choices=REQUIRED_CHOICES[1:])
    group_1 = forms.TypedChoiceField(label="by", required=False, coerce=int, empty_value=None)
    required_2 = forms.ChoiceField(label="Step 2", required=False, choices=REQUIRED_CHOICES)
    group_2 = forms.TypedChoiceField(label="by", required=False, coerce=int, empty_value=None)
    required_3 = forms.ChoiceField(label="Step 3", required=False, choices=REQUIRED_CHOICES)
    group_3 = forms.TypedChoiceField(label="by", required=False, coerce=int, empty_value=None)
    expires_after_days = forms.IntegerField(
        label="Unanswered requests expire after days", min_value=0, max_value=365, initial=5, help_text="0: never."
    )
    remind_after_days = forms.IntegerField(
        label="Remind after days", min_value=0, max_value=365, initial=2, help_text="0: never."
    )
    bar_authors = forms.BooleanField(label="The template's authors do not decide", required=False)

    def scope(self, tenant: Tenant | None) -> None:
        """Offer the groups of the tenant, or of all that the user administers."""
        offer_choices(self, "applies_to", kinds.choices(self.user))
        owners = [tenant] if tenant else list(access.tenants_where(self.user, Verb.ADMINISTER))
        groups = [(role.group_id, str(role)) for owner in owners for role in access.roles_of(owner)]
        for n in (1, 2, 3):
            offer_choices(self, f"group_{n}", [("", "everyone who may approve"), *groups])

    def steps(self) -> list[Step]:
        """Return the steps of a valid form."""
        v = self.cleaned_data
        return [Step(int(v[f"required_{n}"]), v[f"group_{n}"]) for n in (1, 2, 3) if v.get(f"required_{n}")]


class DelegateForm(forms.Form):
    """Who decides in the viewer's place, and when."""

    tenant: forms.ModelChoiceField[Tenant] = forms.ModelChoiceField(None, label="Customer", empty_label=None)
    delegate: forms.ModelChoiceField[User] = forms.ModelChoiceField(None, label="Stands in for you")
    first = forms.DateField(label="First day", widget=forms.DateInput(attrs={"type": "date"}))
    last = forms.DateField(label="Last day", widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, data: QueryDict | None, user: User) -> None:
        super().__init__(data, label_suffix="")
        offer_rows(self, "tenant", selectors.approving_tenants(user))
        offer_rows(self, "delegate", selectors.possible_delegates(user))


def policy_list(request: Request) -> HttpResponse:
    """The policies that the viewer sees."""
    words = kinds.words_of(request.user)
    columns = (
        Column(
            "Applies to",
            lambda p: format_html(
                '<a href="{}">{}</a>', reverse("edit-policy", args=[p.pk]), words.get(p.applies_to, p.applies_to)
            ),
            css="strong",
        ),
        Column("Steps", lambda p: " → ".join(_step(step) for step in p.steps)),
        Column("Expires after", lambda p: f"{p.expires_after_days} days" if p.expires_after_days else "never"),
        Column("Customer", lambda p: p.tenant.name, sort="tenant__name"),
    )
    may = access.tenants_where(request.user, Verb.ADMINISTER).exists()
    listing = Listing(
        title="Change Approvals",
        columns=columns,
        search=("applies_to",),
        empty="No policy: one approval by anybody who may approve, for every change.",
        order="applies_to",
        intro="How many must agree to a change, in which order. Customers below inherit it until they set their own.",
        new_url=reverse("new-policy") if may else "",
        new_label="New policy",
    )
    return lists.show(request, within(request, selectors.visible_policies(request.user)), listing)


def edit_policy(request: Request, pk: int | None = None) -> HttpResponse:
    """Make or change a policy."""
    owners = access.tenants_where(request.user, Verb.ADMINISTER).order_by("path")
    instance = access.get_visible(request.user, selectors.visible_policies(request.user), pk=pk) if pk else None
    if instance:
        access.check_may(request.user, Verb.ADMINISTER, instance.tenant)
    elif not owners.exists():
        raise Forbidden("You administer no tenant, so there is nothing you could add here.")
    form = PolicyForm(
        request.POST or None,
        user=request.user,
        tenants=owners,
        tenant=instance.tenant if instance else None,
        instance=instance,
        initial=_initial(instance) if instance else None,
    )

    def save() -> str:
        v = form.cleaned_data
        more = {name: v[name] for name in ("applies_to", "expires_after_days", "remind_after_days", "bar_authors")}
        policies.save_policy(
            by=request.user, tenant=cast(Tenant, form.tenant), steps=form.steps(), instance=instance, **more
        )
        return "The policy was saved. Open requests keep the steps they were made with."

    title = f"Change policy for {instance}" if instance else "New approval policy"
    return form_page(request, form, save, title=title, back="policies", back_label="Change Approvals")


def delegations(request: Request) -> HttpResponse:
    """Who stands in for the viewer, and whom he stands in for; a form adds one."""
    form = DelegateForm(request.POST or None, request.user)
    if request.method == "POST" and form.is_valid():
        v = form.cleaned_data
        try:
            policies.delegate(by=request.user, tenant=v["tenant"], to=v["delegate"], first=v["first"], last=v["last"])
            messages.success(request, f"{v['delegate']} decides in your place from {v['first']} to {v['last']}.")
            return redirect("delegations")
        except Invalid as error:
            show_problems(form, error)
    mine, others = selectors.delegations_of(request.user)
    return render(request, "approvals/delegations.html", {"form": form, "mine": mine, "others": others})


@require_POST
def end_delegation(request: Request, pk: int) -> HttpResponse:
    """Take a delegation back."""
    row = access.get_visible(request.user, selectors.visible_delegations(request.user), pk=pk)
    policies.end_delegation(by=request.user, row=row)
    messages.success(request, "The delegation was ended.")
    return redirect("delegations")


def _initial(policy: ApprovalPolicy) -> dict[str, object]:
    found: dict[str, object] = {
        name: getattr(policy, name) for name in ("applies_to", "expires_after_days", "remind_after_days", "bar_authors")
    }
    for n, step in enumerate(policy.steps, 1):
        found |= {f"required_{n}": step["required"], f"group_{n}": step["group"]}
    return found


def _step(step: dict[str, Json]) -> str:
    count = step["required"]
    return f"{count} approval{'s' if count > 1 else ''}" + (" of a group" if step["group"] else "")
