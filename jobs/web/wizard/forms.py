"""The wizard's forms. Each reads a draft and gives back a changed JobSpec; no rule stands here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeAlias, cast

from django import forms
from django.contrib.auth.models import User
from django.forms import BoundField
from django.http import QueryDict

from config import limits
from devices import access as tenants
from devices import selectors as inventory
from devices.channels.base import secret_field
from devices.domain.secrets import Secret
from devices.domain.selection import MODE_LABELS, DeviceSearch, DeviceSelection, SelectionMode
from devices.drivers import platforms
from jobs import types
from jobs.domain.options import Option, WizardStep
from jobs.domain.spec import (
    OPTIONS,
    Account,
    ConnectionProtocol,
    JobSpec,
    TaskSpec,
    TransferProtocol,
)
from jobs.models import ServiceJob
from templates_app import selectors as templates
from templates_app.domain.content import RuntimeVariable, VariableType

#: A picker shows at most this many devices; searching brings the others.
MOST_PICKER_DEVICES = 200

#: The values of a form by the names of its fields, each in the type that its field makes of it.
Values: TypeAlias = dict[str, Any]  # Any: Django gives cleaned data no type


def option_field(option: Option) -> forms.Field:
    """Return the form's field of an option, by the type of its default."""
    label, text = option.label, option.help
    if isinstance(option.default, bool):
        return forms.BooleanField(label=label, help_text=text, required=False)
    if option.choices:
        widget = forms.RadioSelect if len(option.choices) == 2 else forms.Select
        return forms.ChoiceField(choices=option.choices, widget=widget, label=label, help_text=text, required=False)
    least, most = option.least, option.most
    return forms.IntegerField(min_value=least, max_value=most, label=label, help_text=text, required=False)


def choice_field(form: forms.Form, name: str) -> forms.ChoiceField:
    """Return a form's field, which is known to be one of choices."""
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    return field


class WizardForm(forms.Form):
    """Base: knows the draft, the user and the draft's specification, and asks for the options of its step."""

    step: WizardStep | None = None

    def __init__(self, data: QueryDict | None, *, draft: ServiceJob, user: User, spec: JobSpec) -> None:
        self.draft, self.user, self.spec = draft, user, spec
        super().__init__(data, label_suffix="")
        self.options = [option for option in OPTIONS if option.step == self.step]
        self.fields |= {option.name: option_field(option) for option in self.options}
        self.arrange()
        for name, value in self.starting().items():
            self.fields[name].initial = value

    def arrange(self) -> None:
        """Give the fields their choices, from what the user may see in the job's customer."""

    def start(self) -> dict[str, object]:
        """Return the initial values."""
        return {}

    def spec_after(self) -> JobSpec:
        """Return the specification with this step's values."""
        raise NotImplementedError

    def starting(self) -> dict[str, object]:
        """Return the initial values, those of the step's options among them."""
        return {option.name: getattr(self.spec, option.name) for option in self.options} | self.start()

    def options_after(self) -> Values:
        """Return the step's options as they are now."""
        values = self.values()
        return {option.name: option.typed(values[option.name]) for option in self.options}

    @property
    def option_groups(self) -> list[tuple[str, list[BoundField]]]:
        """The bound fields of the step's options, by their headings."""
        groups: dict[str, list[BoundField]] = {}
        for option in self.options:
            groups.setdefault(option.group, []).append(self[option.name])
        return list(groups.items())

    def all_errors(self) -> list[str]:
        """Return the sentences about what is to be mended."""
        return [str(sentence) for sentences in self.errors.values() for sentence in sentences]

    def values(self) -> Values:
        """Return the values: the valid ones of a posted form, or what the draft has."""
        data: Values = self.starting()
        data.update(getattr(self, "cleaned_data", {}))
        return data


class DetailsForm(WizardForm):
    """Step 1, Job Details."""

    step = WizardStep.DETAILS

    name = forms.CharField(label="Job Name", max_length=160, help_text="For example: Firmware Upgrade – Core Switches")
    description = forms.CharField(
        label="Description",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What the job does, and why.",
    )
    job_type = forms.ChoiceField(label="Job Type", choices=types.choices)
    agent = forms.TypedChoiceField(label="Agent", coerce=int, help_text="The execution engine that runs the job.")
    notifier = forms.MultipleChoiceField(
        label="Notifier", required=False, widget=forms.CheckboxSelectMultiple, help_text="Told when each run ends."
    )
    selection_mode = forms.ChoiceField(
        label="Devices", choices=[(m.value, MODE_LABELS[m]) for m in SelectionMode], widget=forms.RadioSelect
    )
    devices = forms.MultipleChoiceField(label="IP Address", required=False, widget=forms.CheckboxSelectMultiple)
    tags = forms.TypedMultipleChoiceField(
        label="Asset Tags",
        required=False,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        help_text="Devices that carry one of these when the job runs are added.",
    )
    search_text = forms.CharField(label="Host name or IP address contains", required=False, max_length=120)
    search_platforms = forms.MultipleChoiceField(label="Platform", required=False, widget=forms.CheckboxSelectMultiple)
    search_networks = forms.TypedMultipleChoiceField(
        label="Network", required=False, coerce=int, widget=forms.CheckboxSelectMultiple
    )
    search_tags = forms.TypedMultipleChoiceField(
        label="With asset tag", required=False, coerce=int, widget=forms.CheckboxSelectMultiple
    )
    username = forms.CharField(
        label="Username",
        required=False,
        max_length=120,
        help_text="Leave the account empty to use the stored credentials of the devices.",
    )
    password = secret_field(label="Password")
    enable_password = secret_field(label="Enable Password")
    credential = forms.ChoiceField(
        label="Credential set", required=False, help_text="Used for all devices when no account is given above."
    )

    def arrange(self) -> None:
        draft, user = self.draft, self.user
        allowed = draft.version.content.platforms or tuple(platforms.PLATFORMS)
        kind = types.of_template(draft.template.built_in)
        choice_field(self, "job_type").choices = [(kind.key, kind.label)]
        choice_field(self, "agent").choices = [
            ("", "Choose an agent"),
            *((a.pk, a.name) for a in inventory.agents_for(draft.tenant)),
        ]
        choice_field(self, "notifier").choices = [
            *((f"g{role.group_id}", f"{role} (group)") for role in tenants.roles_of(draft.tenant)),
            *((f"u{person.pk}", person.get_username()) for person in tenants.people_of(draft.tenant)),
        ]
        choice_field(self, "devices").choices = self._device_choices(allowed)
        tags = [
            (tag.pk, f"{tag.name} ({tag.device_count})")  # type: ignore[attr-defined]
            for tag in inventory.visible_tags(user).filter(tenant__path__startswith=draft.tenant.path)
        ]
        choice_field(self, "tags").choices = choice_field(self, "search_tags").choices = tags
        networks = inventory.visible_networks(user).filter(tenant__path__startswith=draft.tenant.path)
        choice_field(self, "search_networks").choices = [(net.pk, net.name) for net in networks]
        choice_field(self, "search_platforms").choices = [(key, platforms.label(key)) for key in allowed]
        own = inventory.visible_credentials(user).filter(tenant=draft.tenant)
        choice_field(self, "credential").choices = [
            ("", "As stored for each device"),
            *((str(c.pk), c.name) for c in own),
        ]
        if draft.account and draft.account.password_sealed:
            self.fields["password"].help_text = "Stored. Leave it empty to keep it."
        if draft.account and draft.account.enable_password_sealed:
            self.fields["enable_password"].help_text = "Stored. Leave it empty to keep it."

    def _device_choices(self, allowed: tuple[str, ...]) -> list[tuple[str, str]]:
        """Devices picked so far first, then others up to the picker's size, narrowed by `find`."""
        rows = inventory.choices_for(self.user, self.draft.tenant, allowed).order_by("name")
        posted = cast(QueryDict, self.data).getlist("devices") if self.is_bound else []
        picked = set(posted) | set(self.spec.selection.devices)
        chosen = list(rows.filter(pk__in=[pk for pk in picked if _is_uuid(pk)]))
        words = (self.data.get("find", "") if self.is_bound else "").replace("\x00", "").strip()[:120]
        matching = inventory.searched(rows, DeviceSearch(text=words))
        others = matching.exclude(pk__in=[d.pk for d in chosen])[:MOST_PICKER_DEVICES]
        return [(str(d.pk), f"{d.address} — {d.name} · {platforms.label(d.platform)}") for d in [*chosen, *others]]

    def start(self) -> dict[str, object]:
        spec = self.spec
        return {
            "name": spec.name,
            "description": spec.description,
            "job_type": spec.job_type,
            "agent": spec.agent,
            "notifier": [f"g{pk}" for pk in spec.notify_groups] + [f"u{pk}" for pk in spec.notify_users],
            "selection_mode": spec.selection.mode.value,
            "devices": list(spec.selection.devices),
            "tags": list(spec.selection.tags),
            "search_text": spec.selection.search.text,
            "search_platforms": list(spec.selection.search.platforms),
            "search_networks": list(spec.selection.search.networks),
            "search_tags": list(spec.selection.search.tags),
            "username": spec.account.username,
            "credential": spec.credential or "",
        }

    def spec_after(self) -> JobSpec:
        """Return the specification with this step's values (invalid fields keep what was)."""
        v = self.values()
        search = DeviceSearch(
            v["search_text"], tuple(v["search_networks"]), tuple(v["search_tags"]), tuple(v["search_platforms"])
        )
        secrets = {key: Secret(v[key]) if v.get(key) else None for key in ("password", "enable_password")}
        return replace(
            self.spec,
            name=v["name"],
            description=v["description"],
            job_type=v["job_type"],
            agent=v["agent"] or None,
            **self.options_after(),
            notify_groups=tuple(int(x[1:]) for x in v["notifier"] if x[0] == "g"),
            notify_users=tuple(int(x[1:]) for x in v["notifier"] if x[0] == "u"),
            selection=DeviceSelection(
                SelectionMode(v["selection_mode"]), search, tuple(v["devices"]), tuple(v["tags"])
            ),
            account=Account(v["username"], secrets["password"], secrets["enable_password"]),
            credential=v["credential"] or None,
        )


class TasksForm(WizardForm):
    """Step 2, Task Details: runtime variables, and per template step who, which profile, how."""

    def arrange(self) -> None:
        content = self.draft.version.content
        for variable in content.variables:
            self.fields[f"var_{variable.name}"] = _variable_field(variable, self._is_stored(variable.name))
        profiles = [("", "None"), *((p.pk, p.name) for p in templates.profiles_of(self.draft.tenant))]
        own = inventory.visible_credentials(self.user).filter(tenant=self.draft.tenant)
        credentials = [("", "As chosen in Job Details"), *((str(c.pk), c.name) for c in own)]
        rows = inventory.selected(
            inventory.choices_for(self.user, self.draft.tenant, content.platforms), self.spec.selection
        )[:MOST_PICKER_DEVICES]
        devices = [(str(d.pk), f"{d.address} — {d.name}") for d in rows]
        for number in range(len(content.steps)):
            self.fields |= {
                f"t{number}_who": forms.ChoiceField(
                    label="Devices",
                    choices=[("all", "All devices of the job"), ("some", "Only these")],
                    widget=forms.RadioSelect,
                ),
                f"t{number}_devices": forms.MultipleChoiceField(
                    label="Devices of this task", choices=devices, required=False, widget=forms.CheckboxSelectMultiple
                ),
                f"t{number}_profile": forms.TypedChoiceField(
                    label="Configuration Profile", choices=profiles, required=False, coerce=int, empty_value=None
                ),
                f"t{number}_connection": forms.ChoiceField(
                    label="Connection Protocol",
                    choices=[(ConnectionProtocol.SSH, "SSH")],
                    initial=ConnectionProtocol.SSH,
                ),
                f"t{number}_transfer": forms.ChoiceField(
                    label="Transfer Protocol", choices=[(TransferProtocol.TERMINAL, "Terminal (in the SSH session)")]
                ),
                f"t{number}_credential": forms.ChoiceField(
                    label="Device Credentials", choices=credentials, required=False
                ),
            }

    def start(self) -> dict[str, object]:
        found: dict[str, object] = {}
        for variable in self.draft.version.content.variables:
            if variable.type is not VariableType.SECRET:
                found[f"var_{variable.name}"] = self.spec.variables.get(variable.name, "")
        tasks = {task.step: task for task in self.spec.tasks}
        for number in range(len(self.draft.version.content.steps)):
            task = tasks.get(number, TaskSpec(number))
            found |= {
                f"t{number}_who": "all" if task.devices is None else "some",
                f"t{number}_devices": list(task.devices or ()),
                f"t{number}_profile": task.profile,
                f"t{number}_connection": task.connection_protocol.value,
                f"t{number}_transfer": task.transfer_protocol.value,
                f"t{number}_credential": task.credential or "",
            }
        return found

    def clean(self) -> dict[str, object]:
        """A task for "only these" needs at least one device."""
        data = super().clean() or {}
        for number in range(len(self.draft.version.content.steps)):
            if data.get(f"t{number}_who") == "some" and not data.get(f"t{number}_devices"):
                self.add_error(f"t{number}_devices", "Pick at least one device, or choose all devices of the job.")
        return data

    def spec_after(self) -> JobSpec:
        """Return the specification with this step's values."""
        v = self.values()
        content = self.draft.version.content
        plain = [x for x in content.variables if x.type is not VariableType.SECRET]
        secret = [x for x in content.variables if x.type is VariableType.SECRET]
        tasks = tuple(
            TaskSpec(
                step=n,
                devices=tuple(v[f"t{n}_devices"]) if v[f"t{n}_who"] == "some" else None,
                profile=v[f"t{n}_profile"] or None,
                credential=v[f"t{n}_credential"] or None,
            )
            for n in range(len(content.steps))
        )
        return replace(
            self.spec,
            tasks=tasks,
            variables={x.name: str(v.get(f"var_{x.name}") or "") for x in plain},
            secret_variables={x.name: Secret(v[f"var_{x.name}"]) for x in secret if v.get(f"var_{x.name}")},
        )

    def variable_fields(self) -> list[BoundField]:
        """Return the bound fields of the runtime variables."""
        return [self[name] for name in self.fields if name.startswith("var_")]

    def tasks(self) -> list[dict[str, object]]:
        """Return each template step with its bound fields."""
        parts = ("who", "devices", "profile", "connection", "transfer", "credential")
        return [
            {"step": step, "number": n + 1, "when": f"t{n}_who=some", **{part: self[f"t{n}_{part}"] for part in parts}}
            for n, step in enumerate(self.draft.version.content.steps)
        ]

    def _is_stored(self, name: str) -> bool:
        sources = [self.draft, self.draft.draft_of]
        return any(job is not None and name in job.sealed_variables for job in sources)


def _variable_field(variable: RuntimeVariable, stored: bool) -> forms.Field:
    label, text = variable.label or variable.name, variable.help
    if variable.default:
        text = f"{text} Default: {variable.default}.".strip()
    if variable.type is VariableType.CHOICE:
        return forms.ChoiceField(
            label=label, help_text=text, required=False, choices=[("", "—"), *((c, c) for c in variable.choices)]
        )
    if variable.type is VariableType.BOOLEAN:
        return forms.ChoiceField(
            label=label, help_text=text, required=False, choices=[("", "—"), ("yes", "Yes"), ("no", "No")]
        )
    if variable.type is VariableType.SECRET:
        return secret_field(label=label, help_text="Stored. Leave it empty to keep it." if stored else text)
    widget = (
        forms.Textarea(attrs={"class": "code", "rows": 4}) if variable.type is VariableType.LINES else forms.TextInput()
    )
    most = limits.MOST_TEXT_CHARACTERS
    return forms.CharField(label=label, help_text=text, required=False, widget=widget, strip=False, max_length=most)


def _is_uuid(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4 and all(c in "0123456789abcdefABCDEF-" for c in text)
