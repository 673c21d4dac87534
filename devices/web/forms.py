"""Forms of the inventory. Every choice comes from what the user may see in the form's tenant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Required, TypeAlias, TypedDict

from django import forms
from django.contrib.auth.forms import AuthenticationForm, UsernameField
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Model, QuerySet
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.datastructures import MultiValueDict

from config import limits
from devices import selectors
from devices.channels.base import secret_field
from devices.domain.roles import VERB_LABELS, Verb
from devices.domain.secrets import Secret
from devices.domain.zones import ZONE_CHOICES
from devices.drivers import platforms
from devices.models import ApiToken, AssetTag, Credential, Device, Network, Tenant
from devices.web.fields import offer_rows

#: The files of a form, by field.
Files = MultiValueDict[str, UploadedFile]
#: What a form's fields made of the input.
Cleaned: TypeAlias = dict[str, Any]  # Any: Django gives no type here; each field has its own


class SignInForm(AuthenticationForm):
    """Sign in; says the same for a wrong password and an unknown account."""

    error_messages = {
        "invalid_login": "This account and password do not fit together. Both are case-sensitive.",
        "inactive": "This account and password do not fit together. Both are case-sensitive.",
    }
    username = UsernameField(max_length=150, widget=forms.TextInput(attrs={"autofocus": True}))
    password = forms.CharField(
        strip=False,
        max_length=limits.MOST_PASSWORD_CHARACTERS,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, request: HttpRequest | None = None, *args: object, **kwargs: object) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["username"].label = "Account"
        self.label_suffix = ""


class About(TypedDict, total=False):
    """Whose thing a form is for, who fills it in, and what it is like so far."""

    user: Required[User]
    tenants: Required[QuerySet[Tenant]]
    tenant: Required[Tenant | None]
    instance: Model | None
    initial: Mapping[str, object] | None


class TenantForm(forms.Form):
    """Base of forms for one tenant's thing; a new thing chooses the tenant among those the user administers."""

    def __init__(
        self,
        data: QueryDict | None = None,
        files: Files | None = None,
        *,
        user: User,
        tenants: QuerySet[Tenant],
        tenant: Tenant | None,
        instance: Model | None = None,
        initial: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(data, files, label_suffix="", initial=dict(initial or {}))
        self.user, self.tenant, self.instance = user, tenant, instance
        if tenant is None:
            self.fields["tenant"] = forms.ModelChoiceField(tenants, label="Customer", empty_label=None)
            self.order_fields(["tenant"])
        self.scope(tenant)

    def scope(self, tenant: Tenant | None) -> None:
        """Give the fields their choices; overridden where there are any."""

    def clean(self) -> Cleaned:
        """Put the tenant beside the values."""
        data = super().clean() or {}
        self.tenant = data.pop("tenant", None) or self.tenant
        return data


class NetworkForm(TenantForm):
    """A network."""

    name = forms.CharField(max_length=120)
    description = forms.CharField(max_length=300, required=False)


class TagForm(TenantForm):
    """An asset tag."""

    name = forms.CharField(max_length=60, help_text="For example Switches, Firewalls, Routers.")


class AgentForm(TenantForm):
    """An agent."""

    name = forms.CharField(max_length=60, help_text="For example Infraon_NCCM_Agent_1.")
    max_parallel = forms.IntegerField(
        label="Devices at a time",
        required=False,
        min_value=1,
        max_value=limits.MOST_PARALLEL,
        help_text="Of all its jobs together; empty means no limit.",
    )
    draining = forms.BooleanField(
        label="Drain", required=False, help_text="Its workers finish what they began and start no further device."
    )


class DeviceForm(TenantForm):
    """A device; its references are checked against its tenant after the tenant is known."""

    name = forms.CharField(label="Host name", max_length=120)
    address = forms.GenericIPAddressField(
        label="IP address", unpack_ipv4=True, help_text="The address that identifies the device."
    )
    platform = forms.ChoiceField(choices=platforms.choices)
    network: forms.ModelChoiceField[Network] = forms.ModelChoiceField(None)
    connect_host = forms.CharField(
        max_length=255, required=False, help_text="Where to connect, when not to the IP address."
    )
    connect_port = forms.IntegerField(min_value=1, max_value=65535, initial=22)
    credential: forms.ModelChoiceField[Credential] = forms.ModelChoiceField(
        None, required=False, empty_label="Default of the tenant"
    )
    tags: forms.ModelMultipleChoiceField[AssetTag] = forms.ModelMultipleChoiceField(
        None, label="Asset tags", required=False, widget=forms.CheckboxSelectMultiple
    )
    legacy_ssh = forms.BooleanField(
        label="Legacy SSH",
        required=False,
        help_text="Allow SHA-1 key exchange and ssh-rsa keys, which old devices need.",
    )
    protocol = forms.ChoiceField(
        choices=Device.Protocol.choices,
        initial=Device.Protocol.SSH,
        help_text="Telnet sends the password in clear text; the customer's settings must allow it.",
    )
    enabled = forms.BooleanField(
        label="Enabled", required=False, initial=True, help_text="A device that is switched off is in no job."
    )

    def scope(self, tenant: Tenant | None) -> None:
        """Offer what belongs to the tenant (or, before it is chosen, to any that the user sees)."""
        rows: dict[str, QuerySet[Model]] = {
            "network": selectors.visible_networks(self.user),
            "credential": selectors.visible_credentials(self.user),
            "tags": selectors.visible_tags(self.user),
        }
        for name, choices in rows.items():
            offer_rows(self, name, choices.filter(tenant=tenant) if tenant else choices)

    def clean(self) -> Cleaned:
        """Refuse references into another tenant."""
        data = super().clean()
        for name in ("network", "credential"):
            if data.get(name) and self.tenant and data[name].tenant_id != self.tenant.pk:
                self.add_error(name, "This belongs to another customer; choose one of the device's own.")
        if self.tenant and any(tag.tenant_id != self.tenant.pk for tag in data.get("tags") or ()):
            self.add_error("tags", "At least one tag belongs to another customer.")
        data["tags"] = list(data.get("tags") or ())
        return data


class SecretTextarea(forms.Textarea):
    """Several lines that are not shown again, whatever else was wrong in the form."""

    def format_value(self, value: object) -> None:
        """Show nothing."""


class CredentialForm(TenantForm):
    """A credential. Secrets go in and never come out: an empty field leaves what is stored."""

    name = forms.CharField(max_length=120)
    username = forms.CharField(max_length=120)
    password = secret_field()
    enable_password = secret_field()
    private_key = secret_field(
        label="SSH key",
        widget=SecretTextarea(attrs={"class": "code", "autocomplete": "off"}),
        help_text="OpenSSH or PEM, without passphrase. Used instead of the password.",
    )
    is_default = forms.BooleanField(
        label="Default of the tenant",
        required=False,
        help_text="Used for every device without a credential of its own.",
    )

    def scope(self, tenant: Tenant | None) -> None:
        """Say what is stored, never what it is."""
        for name in ("password", "enable_password", "private_key"):
            if self.instance and getattr(self.instance, f"{name}_sealed"):
                self.fields[name].help_text = "Stored. Leave it empty to keep it."

    def clean(self) -> Cleaned:
        """Wrap the secrets."""
        data = super().clean()
        data["secrets"] = {
            name: Secret(value) if (value := data.pop(name, "")) else None
            for name in ("password", "enable_password", "private_key")
        }
        return data


class SubTenantForm(forms.Form):
    """A new tenant below one that the user administers."""

    key = forms.RegexField(
        r"^[a-z0-9][a-z0-9_-]*$",
        max_length=60,
        help_text="The name in URLs and in the API: small letters, digits, - and _.",
    )
    name = forms.CharField(max_length=120)
    kind = forms.ChoiceField(choices=Tenant.Kind.choices, initial=Tenant.Kind.CUSTOMER)
    parent: forms.ModelChoiceField[Tenant] = forms.ModelChoiceField(None, empty_label=None, label="Belongs to")
    time_zone = forms.ChoiceField(choices=ZONE_CHOICES, initial="UTC")

    def __init__(self, data: QueryDict | None, *, tenants: QuerySet[Tenant]) -> None:
        super().__init__(data, label_suffix="")
        offer_rows(self, "parent", tenants)


class TenantSettingsForm(forms.Form):
    """What of a tenant is changed afterwards."""

    name = forms.CharField(max_length=120)
    time_zone = forms.ChoiceField(choices=ZONE_CHOICES)
    max_parallel = forms.IntegerField(
        label="Devices at a time",
        required=False,
        min_value=1,
        max_value=limits.MOST_PARALLEL,
        help_text="Of all its jobs together; empty means no limit.",
    )
    allow_telnet = forms.BooleanField(
        label="Allow Telnet",
        required=False,
        help_text="Its devices may be set to Telnet, which sends passwords and configurations in clear text.",
    )

    def __init__(self, data: QueryDict | None, *, initial: Mapping[str, object]) -> None:
        super().__init__(data, label_suffix="", initial=dict(initial))


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(max_length=80, help_text="What it is for.")
    purpose = forms.ChoiceField(label="Opens", choices=ApiToken.Purpose.choices, initial=ApiToken.Purpose.API)
    tenant: forms.ModelChoiceField[Tenant] = forms.ModelChoiceField(
        queryset=None,
        label="Customer",
        required=False,
        empty_label="All that you see",
        help_text="The token reaches this one and those below it, and no other.",
    )
    verbs = forms.MultipleChoiceField(
        label="Rights",
        required=False,
        choices=[(v.value, VERB_LABELS[v]) for v in Verb if v is not Verb.VIEW],
        widget=forms.CheckboxSelectMultiple,
        help_text="Choose none for all of yours. Seeing is always among them.",
    )
    expires_at = forms.DateTimeField(
        label="Expires (UTC)",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="Empty: never.",
    )

    def __init__(self, data: QueryDict | None, *, tenants: QuerySet[Tenant]) -> None:
        super().__init__(data, label_suffix="")
        offer_rows(self, "tenant", tenants)

    def clean_expires_at(self) -> datetime | None:
        """The time is UTC, and lies ahead."""
        found = self.cleaned_data["expires_at"]
        if found is None:
            return None
        if found.replace(tzinfo=UTC) <= timezone.now():
            raise forms.ValidationError("This time has passed; choose a later one.")
        return found.replace(tzinfo=UTC)
