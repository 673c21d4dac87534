"""URLs of inventory, settings and account."""

from django.urls import path

from devices.web import (
    account,
    agents,
    audit,
    channels,
    credentials,
    devices,
    inventory,
    jump_hosts,
    networks,
    sign_in,
    tenants,
)

urlpatterns = [
    path("sign-in/", sign_in.SignIn.as_view(), name="sign-in"),
    # The admin's own page would be a second door. Who is signed in and not let in there may sign in as somebody else.
    path("admin/login/", sign_in.SignIn.as_view(redirect_authenticated_user=False), name="admin-sign-in"),
    path("sign-out/", account.SignOut.as_view(), name="sign-out"),
    path("healthz", account.healthz, name="healthz"),
    path("tenant/", account.choose_tenant, name="choose-tenant"),
    path("notices/", account.notice_page, name="notices"),
    path("account/", account.token_page, name="tokens"),
    path("account/tokens/<int:pk>/drop/", account.drop_token, name="drop-token"),
    path("devices/", devices.devices, name="devices"),
    path("devices/<uuid:pk>/", devices.device, name="device"),
    path("devices/<uuid:pk>/forget-key/", devices.forget_key, name="forget-key"),
    path("networks/", networks.networks, name="networks"),
    path("tags/", networks.tags, name="tags"),
    path("agents/", agents.agents, name="agents"),
    path("credentials/", credentials.credentials, name="credentials"),
    path("jump-hosts/", jump_hosts.jump_host_list, name="jump-hosts"),
    path("jump-hosts/<uuid:pk>/", jump_hosts.jump_host, name="jump-host"),
    path("jump-hosts/<uuid:pk>/forget-key/", jump_hosts.forget_key, name="forget-jump-host-key"),
    path("tenants/", tenants.tenant_list, name="tenants"),
    path("tenants/<int:pk>/", tenants.edit_tenant, name="edit-tenant"),
    path("tenants/new/", tenants.new_tenant, name="new-tenant"),
    path("settings/<slug:kind>/", channels.channel_list, name="channels"),
    path("settings/<slug:kind>/new/", channels.edit_channel, name="new-channel"),
    path("settings/<slug:kind>/<int:pk>/", channels.edit_channel, name="edit-channel"),
    path("deliveries/", channels.deliveries, name="deliveries"),
    path("deliveries/<int:pk>/again/", channels.send_again, name="send-again"),
    path("audit/", audit.audit_list, name="audit"),
    path("edit/<slug:kind>/new/", inventory.edit_thing, name="new-thing"),
    path("edit/<slug:kind>/<str:pk>/", inventory.edit_thing, name="edit-thing"),
]
