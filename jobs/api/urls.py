"""The API's URLs: /api/v1/ for the resources, /api/docs/ for the page that describes them."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import DefaultRouter

from approvals.api import Approvals
from devices.api import jump_hosts, records
from devices.api import resources as inventory
from jobs.api import drafts, job_types, opsramp, upcoming
from jobs.api import resources as jobs
from templates_app.api import resources as templates

router = DefaultRouter()
# One address for each thing, and no second one that ends in .json.
router.include_format_suffixes = False
router.register("tenants", inventory.Tenants, "tenant")
router.register("networks", inventory.Networks, "network")
router.register("asset-tags", inventory.AssetTags, "asset-tag")
router.register("devices", inventory.Devices, "device")
router.register("credentials", inventory.Credentials, "credential")
router.register("jump-hosts", jump_hosts.JumpHosts, "jump-host")
router.register("agents", inventory.Agents, "agent")
router.register("audit", inventory.Audit, "audit")
router.register("snapshots", records.Snapshots, "snapshot")
router.register("notices", records.Notices, "notice")
router.register("service-templates", templates.Templates, "service-template")
router.register("configuration-profiles", templates.Profiles, "configuration-profile")
router.register("scripts", templates.Scripts, "script")
router.register("approvals", Approvals, "approval")
router.register("job-types", job_types.JobTypes, "job-type")
router.register("jobs", jobs.Jobs, "job")
router.register("drafts", drafts.Drafts, "draft")
router.register("triggers", drafts.Triggers, "trigger")
router.register("schedule-filters", upcoming.Filters, "schedule-filter")
router.register("runs", jobs.Runs, "run")
router.register("device-runs", jobs.DeviceRuns, "device-run")

V2 = "v2/tenants/<str:tenant>"
urlpatterns = [
    path(f"{V2}/jobs", opsramp.Jobs.as_view(), name="opsramp-jobs"),
    path(f"{V2}/jobs/search", opsramp.Jobs.as_view(http_method_names=["get"], schema=None), name="opsramp-search"),
    path(f"{V2}/jobs/types", opsramp.Types.as_view(), name="opsramp-types"),
    path(f"{V2}/jobs/<str:job>", opsramp.Job.as_view(), name="opsramp-job"),
    path(f"{V2}/jobs/<str:job>/run", opsramp.Run.as_view(), name="opsramp-run"),
    path(f"{V2}/jobs/<str:job>/script/run", opsramp.Run.as_view(schema=None), name="opsramp-script-run"),
    path(f"{V2}/rba/scripts/<int:script>/paginatedOutputs", opsramp.Outputs.as_view(), name="opsramp-outputs"),
    path("v1/upcoming/", upcoming.Upcoming.as_view(), name="upcoming"),
    path("v1/", include(router.urls)),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="docs"),
]
