"""The template editor's forms: head, variables, steps; and the configuration profile's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from django import forms
from django.forms import BaseFormSet, formset_factory

from config import limits
from devices.drivers.platforms import label, netmiko_choices, own_choices
from devices.web.forms import TenantForm
from templates_app.domain.content import (
    ANY_PLATFORM,
    KIND_LABELS,
    MOST_GUARD_MINUTES,
    TYPE_LABELS,
    RuntimeVariable,
    StepKind,
    TemplateContent,
    TemplateStep,
    VariableType,
)
from templates_app.models import ServiceTemplate

F = TypeVar("F", bound=forms.Form)
CODE = {"class": "code", "rows": 4, "spellcheck": "false", "autocomplete": "off"}


class HeadForm(TenantForm):
    """Name, description, status and platforms of a template."""

    name = forms.CharField(label="Template name", max_length=120)
    description = forms.CharField(max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    status = forms.ChoiceField(
        choices=ServiceTemplate.Status.choices,
        initial="ready",
        help_text="Only a ready template can be put into a new job.",
    )
    platforms = forms.MultipleChoiceField(
        choices=own_choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Devices of these platforms can be chosen in its jobs; none checked or chosen means any.",
    )
    others = forms.MultipleChoiceField(
        label="Other platforms",
        choices=netmiko_choices,
        required=False,
        widget=forms.SelectMultiple(attrs={"size": 6}),
        help_text="Driven through Netmiko. Each needs commands of its own; choose it, then press Show their fields.",
    )


class VariableForm(forms.Form):
    """One runtime variable."""

    name = forms.CharField(max_length=40, help_text="Used in commands as {{ name }}.")
    type = forms.ChoiceField(choices=[(t.value, TYPE_LABELS[t]) for t in VariableType], initial="text")
    label = forms.CharField(max_length=80, required=False)
    help = forms.CharField(max_length=200, required=False)
    default = forms.CharField(max_length=500, required=False)
    choices = forms.CharField(
        required=False,
        max_length=limits.MOST_TEXT_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="For type choice: one a line.",
    )
    required = forms.BooleanField(required=False, initial=True)

    def value(self) -> RuntimeVariable:
        """Return the variable."""
        data = dict(self.cleaned_data)
        lines = tuple(line.strip() for line in data["choices"].splitlines() if line.strip())
        return RuntimeVariable(
            name=data["name"],
            type=VariableType(data["type"]),
            label=data["label"],
            help=data["help"],
            required=data["required"],
            default=data["default"],
            choices=lines,
        )


class StepForm(forms.Form):
    """One step with its commands: one text for any platform, and one for each that needs its own."""

    name = forms.CharField(label="Step name", max_length=120)
    kind = forms.ChoiceField(choices=[(k.value, KIND_LABELS[k]) for k in StepKind], initial="read")
    timeout = forms.IntegerField(
        min_value=1, max_value=600, initial=30, help_text="Seconds to wait for each command's prompt."
    )
    save = forms.BooleanField(label="Save the configuration afterwards", required=False)
    resumable = forms.BooleanField(
        label="May be resumed here",
        required=False,
        help_text="The step may be done again from its beginning after it failed.",
    )
    restarts = forms.BooleanField(
        label="Restarts the device",
        required=False,
        help_text="The device ends the connection at the end of the step; the next one waits until it is back.",
    )
    guard = forms.IntegerField(
        label="Take the change back unless confirmed (minutes)",
        required=False,
        min_value=0,
        max_value=MOST_GUARD_MINUTES,
        initial=0,
        help_text="The device undoes the step by itself unless a new connection confirms it in time; 0 means no. For "
        "Cisco IOS with an archive, Arista EOS and Juniper Junos.",
    )
    answers = forms.CharField(
        label="Answers to questions",
        required=False,
        max_length=limits.MOST_TEXT_CHARACTERS,
        widget=forms.Textarea(attrs={**CODE, "rows": 2}),
        help_text="One a line: question => answer. For example: Destination filename => startup-config. "
        "An empty answer presses Enter; an answer may hold variables. Each question is answered once, and any other "
        "ends the step.",
    )

    def clean_answers(self) -> tuple[tuple[str, str], ...]:
        """Return the pairs; each line has a question."""
        found = []
        for line in self.cleaned_data["answers"].splitlines():
            question, arrow, answer = (part.strip() for part in line.partition("=>"))
            if line.strip() and (not question or not arrow):
                raise forms.ValidationError(f"Write '{line.strip()}' as question => answer.")
            if line.strip():
                found.append((question, answer))
        return tuple(found)

    def __init__(self, others: Sequence[str] = (), **given: Any) -> None:  # Any: what a set of forms gives each
        super().__init__(**given)
        self.keys = [key for key, _ in own_choices()]
        self.keys += [key for key, _ in netmiko_choices() if key in others]
        for key in [ANY_PLATFORM, *self.keys]:
            words = "Commands for any platform" if key == ANY_PLATFORM else label(key)
            field = forms.CharField(
                label=words,
                required=False,
                max_length=limits.MOST_TEXT_CHARACTERS,
                widget=forms.Textarea(attrs=CODE),
                strip=False,
            )
            self.fields[self.body_name(key)] = field

    @staticmethod
    def body_name(key: str) -> str:
        """Return the form field of a platform's commands."""
        return "body_any" if key == ANY_PLATFORM else f"body_{key}"

    def platform_fields(self) -> list[forms.BoundField]:
        """Return the bound fields of the platforms' own commands."""
        return [self[self.body_name(key)] for key in self.keys]

    def has_own_commands(self) -> bool:
        """Say whether any platform has commands of its own, so that the editor shows them open."""
        return any((field.value() or "").strip() for field in self.platform_fields())

    def value(self) -> TemplateStep:
        """Return the step."""
        data = self.cleaned_data
        keys = [ANY_PLATFORM, *self.keys]
        texts = {key: data[self.body_name(key)].replace("\r\n", "\n").rstrip("\n") for key in keys}
        return TemplateStep(
            name=data["name"],
            kind=StepKind(data["kind"]),
            commands={k: t for k, t in texts.items() if t.strip()},
            save=data["save"],
            timeout=data["timeout"],
            answers=data["answers"],
            resumable=data["resumable"],
            restarts=data["restarts"],
            guard=data["guard"] or 0,
        )


Variables = formset_factory(VariableForm, extra=0, can_delete=True, max_num=limits.MOST_VARIABLES)
Steps = formset_factory(StepForm, extra=0, can_order=True, can_delete=True, max_num=limits.MOST_STEPS)


def initial_head(template: ServiceTemplate, content: TemplateContent) -> dict[str, object]:
    """Return what the head's form starts with; each of the two fields of platforms knows its own ones."""
    return {
        "name": template.name,
        "description": template.description,
        "status": template.status,
        "platforms": list(content.platforms),
        "others": list(content.platforms),
    }


def initial_variables(content: TemplateContent) -> list[dict[str, object]]:
    """Return what the variable forms start with."""
    return [
        {
            "name": v.name,
            "type": v.type,
            "label": v.label,
            "help": v.help,
            "default": v.default,
            "required": v.required,
            "choices": "\n".join(v.choices),
        }
        for v in content.variables
    ]


def initial_steps(content: TemplateContent) -> list[dict[str, object]]:
    """Return what the step forms start with."""
    return [
        {
            "name": s.name,
            "kind": s.kind,
            "timeout": s.timeout,
            "save": s.save,
            "resumable": s.resumable,
            "restarts": s.restarts,
            "guard": s.guard,
            "answers": "\n".join(f"{question} => {answer}" for question, answer in s.answers),
        }
        | {StepForm.body_name(key): text for key, text in s.commands.items()}
        for s in content.steps
    ]


def kept(forms_of: BaseFormSet[F]) -> list[F]:
    """Return the forms that stay, in their order."""
    rows = [form for form in forms_of.forms if not (form.cleaned_data or {}).get("DELETE")]
    return sorted(rows, key=lambda form: form.cleaned_data.get("ORDER") or 0)


class ProfileForm(TenantForm):
    """A configuration profile: `name = value` lines."""

    name = forms.CharField(max_length=120)
    description = forms.CharField(max_length=300, required=False)
    values = forms.CharField(
        max_length=limits.MOST_TEXT_CHARACTERS,
        widget=forms.Textarea(attrs=CODE),
        help_text="One variable a line: name = value.",
    )

    def clean_values(self) -> dict[str, str]:
        """Read the lines."""
        found: dict[str, str] = {}
        for number, line in enumerate(self.cleaned_data["values"].splitlines(), 1):
            if not line.strip():
                continue
            name, sign, value = line.partition("=")
            if not sign or not name.strip().isidentifier():
                raise forms.ValidationError(f"Line {number}: write 'name = value'.")
            if name.strip() in found:
                raise forms.ValidationError(f"Line {number}: '{name.strip()}' is there twice.")
            found[name.strip()] = value.strip()
        return found
