"""Forms of the inventory. Every choice comes from what the user may see in the form's tenant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from devices.domain import totp
from devices.domain.roles import VERB_LABELS, Verb
from devices.domain.secrets import Secret
from devices.domain.zones import ZONE_CHOICES
from devices.drivers import platforms
from devices.models import ApiToken, AssetTag, Credential, Device, JumpHost, Network, Tenant
from devices.models.tenants import TenantOwned
from devices.services import vault
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


class JumpHostChoices(TenantForm):
    """Base of forms that choose among the rows of a tenant: each of `of_tenant`, by field, is checked to be its own."""

    of_tenant: Mapping[str, Callable[[User], QuerySet[Model]]] = {}

    def scope(self, tenant: Tenant | None) -> None:
        """Offer what belongs to the tenant (or, before it is chosen, to any that the user sees)."""
        for name, visible in self.of_tenant.items():
            rows = visible(self.user)
            offer_rows(self, name, rows.filter(tenant=tenant) if tenant else rows)

    def clean(self) -> Cleaned:
        """Refuse references into another tenant."""
        data = super().clean()
        for name in self.of_tenant:
            if isinstance(data.get(name), TenantOwned) and self.tenant and data[name].tenant_id != self.tenant.pk:
                self.add_error(name, "This belongs to another customer; choose one of the same customer.")
        return data


class NetworkForm(JumpHostChoices):
    """A network."""

    of_tenant = {"jump_host": selectors.visible_jump_hosts}

    name = forms.CharField(max_length=120)
    description = forms.CharField(max_length=300, required=False)
    jump_host: forms.ModelChoiceField[JumpHost] = forms.ModelChoiceField(
        None,
        required=False,
        empty_label="None: its devices are reached directly",
        help_text="From where its devices are reached; a device may have one of its own.",
    )


class JumpHostForm(JumpHostChoices):
    """A jump host."""

    of_tenant = {"credential": selectors.visible_credentials, "through": selectors.visible_jump_hosts}

    name = forms.CharField(max_length=120)
    host = forms.CharField(max_length=255, help_text="Its address or name, as the one before it on the way knows it.")
    port = forms.IntegerField(min_value=1, max_value=65535, initial=22)
    credential: forms.ModelChoiceField[Credential] = forms.ModelChoiceField(
        None, empty_label="Choose", help_text="With which Interlock logs in to it."
    )
    through: forms.ModelChoiceField[JumpHost] = forms.ModelChoiceField(
        None,
        label="Reached through",
        required=False,
        empty_label="None: directly",
        help_text="Another jump host before it, if any.",
    )


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


class DeviceForm(JumpHostChoices):
    """A device; its references are checked against its tenant after the tenant is known."""

    of_tenant = {
        "network": selectors.visible_networks,
        "credential": selectors.visible_credentials,
        "jump_host": selectors.visible_jump_hosts,
        "tags": selectors.visible_tags,
    }

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
    jump_host: forms.ModelChoiceField[JumpHost] = forms.ModelChoiceField(
        None, required=False, empty_label="As its network says", help_text="From where it is reached."
    )
    direct = forms.BooleanField(
        label="Without jump host", required=False, help_text="Connect directly, whatever its network says."
    )
    console = forms.BooleanField(
        label="Console port",
        required=False,
        help_text="SSH leads to its serial line on a console server: log in on the line, and log out at the end.",
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

    def clean(self) -> Cleaned:
        """Refuse references into another tenant."""
        data = super().clean()
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
        help_text="OpenSSH or PEM. Used instead of the password.",
    )
    passphrase = secret_field(label="Passphrase of the SSH key", help_text="Where the key is locked by one.")
    certificate = forms.CharField(
        label="SSH certificate",
        required=False,
        max_length=limits.MOST_SECRET_CHARACTERS,
        widget=forms.Textarea(attrs={"class": "code", "rows": 3}),
        help_text="The line of an OpenSSH user certificate (-cert.pub) of the SSH key. It is no secret.",
    )
    totp_secret = secret_field(
        label="Secret of the second factor",
        help_text="For codes that change with the time (TOTP): letters and digits (base32), as the server shows it.",
    )
    totp_digits = forms.TypedChoiceField(
        required=False,
        empty_value="6",
        label="Digits of a code",
        choices=[(digits, str(digits)) for digits in totp.DIGITS],
        coerce=int,
        initial=6,
    )
    totp_algorithm = forms.TypedChoiceField(
        required=False,
        empty_value="sha1",
        label="Hash of the codes",
        choices=list(totp.ALGORITHM_WORDS.items()),
        initial="sha1",
    )
    is_default = forms.BooleanField(
        label="Default of the tenant",
        required=False,
        help_text="Used for every device without a credential of its own.",
    )

    def scope(self, tenant: Tenant | None) -> None:
        """Say what is stored, never what it is."""
        for name in vault.FIELDS:
            if self.instance and getattr(self.instance, f"{name}_sealed"):
                self.fields[name].help_text = "Stored. Leave it empty to keep it."

    def clean(self) -> Cleaned:
        """Wrap the secrets."""
        data = super().clean()
        data["totp_digits"] = int(data.get("totp_digits") or 6)
        data["secrets"] = {name: Secret(value) if (value := data.pop(name, "")) else None for name in vault.FIELDS}
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
