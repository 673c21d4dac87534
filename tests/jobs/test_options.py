"""An option of a job is declared once: every face, the row and the approval know it by its declaration."""

import pytest
from django.urls import reverse
from django.utils.datastructures import MultiValueDict

from jobs.api.inputs import JobInput, as_given
from jobs.api.serializers import JobSerializer
from jobs.dispatch import approval_contents
from jobs.domain.options import WizardStep
from jobs.domain.spec import OPTIONS, JobSpec
from jobs.models import ServiceJob
from jobs.plan import builder
from jobs.plan.job_mapping import spec_of
from jobs.web.wizard import forms
from jobs.web.wizard.schedule import ScheduleForm
from tests import make

pytestmark = pytest.mark.django_db
FORMS = {WizardStep.DETAILS: forms.DetailsForm, WizardStep.SCHEDULE: ScheduleForm}


def another(option):
    """Return a value of the option that is not its default."""
    if isinstance(option.default, bool):
        return not option.default
    if option.labels:
        return next(value for value in option.labels if value != option.default)
    return option.default + 1


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
class TestOption:
    def test_its_column_has_its_default(self, option):
        assert ServiceJob._meta.get_field(option.name).default == option.default
        assert getattr(JobSpec(), option.name) is option.default

    def test_a_value_goes_through_the_row_and_back(self, option, acme, person):
        job, _ = make.job(
            person("acme-operator"),
            make.template(acme),
            make.devices(acme)[:1],
            triggers=(),
            needs_schedule=False,
            **{option.name: another(option)},
        )
        assert getattr(spec_of(ServiceJob.objects.get(pk=job.pk)), option.name) == another(option)

    def test_the_api_takes_it_and_gives_it_back(self, option):
        field = JobInput().fields[option.name]
        assert field.default == option.default and field.help_text
        assert as_given(JobSpec())[option.name] == option.default
        assert option.name in JobSerializer.Meta.fields

    def test_the_wizard_asks_for_it_in_its_step_and_keeps_what_is_posted(self, option, acme, person):
        operator = person("acme-operator")
        draft = make.draft(operator, make.template(acme), make.devices(acme)[:1])
        form = FORMS[option.step](None, draft=draft, user=operator, spec=spec_of(draft))
        assert option.name in form.fields
        assert option.name in [field.name for _, fields in form.option_groups for field in fields]
        posted = {name: value for name, value in form.starting().items() if value not in (None, False)}
        posted[option.name] = "" if another(option) is False else another(option)
        data = MultiValueDict({name: value if isinstance(value, list) else [value] for name, value in posted.items()})
        form = FORMS[option.step](data, draft=draft, user=operator, spec=spec_of(draft))
        form.is_valid()
        assert getattr(form.spec_after(), option.name) == another(option)

    def test_its_page_shows_it(self, option, acme, person, browser):
        job, _ = make.job(person("acme-operator"), make.template(acme), make.devices(acme)[:1])
        body = browser("acme-operator").get(reverse("job", args=[job.pk])).content.decode()
        assert option.label.replace("&", "&amp;") in body

    def test_an_approval_is_bound_to_it_or_says_why_not(self, option, acme, person):
        job, _ = make.job(person("acme-operator"), make.template(acme), make.devices(acme)[:1])
        content = approval_contents.content_of(job, builder.plan_of(job, person("acme-operator")), message="")
        assert (option.name in content["options"]) == (not option.unapproved)
        assert not option.unapproved or option.unapproved.endswith(".")
