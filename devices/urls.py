"""URLs of inventory, settings and account."""

from django.urls import path

from devices import account, channel_views, views

urlpatterns = [
    path("sign-in/", account.SignIn.as_view(), name="sign-in"),
    path("sign-out/", account.SignOut.as_view(), name="sign-out"),
    path("healthz", account.healthz, name="healthz"),
    path("tenant/", account.choose_tenant, name="choose-tenant"),
    path("notices/", account.notice_page, name="notices"),
    path("account/", account.token_page, name="tokens"),
    path("account/tokens/<int:pk>/drop/", account.drop_token, name="drop-token"),
    path("devices/", views.devices, name="devices"),
    path("devices/<uuid:pk>/", views.device, name="device"),
    path("devices/<uuid:pk>/forget-key/", views.forget_key, name="forget-key"),
    path("networks/", views.networks, name="networks"),
    path("tags/", views.tags, name="tags"),
    path("agents/", views.agents, name="agents"),
    path("credentials/", views.credentials, name="credentials"),
    path("tenants/", views.tenant_list, name="tenants"),
    path("tenants/<int:pk>/", views.edit_tenant, name="edit-tenant"),
    path("tenants/new/", views.new_tenant, name="new-tenant"),
    *(path(f"settings/{kind}/", channel_views.channel_list, {"kind": kind}, name=kind) for kind in channel_views.KINDS),
    path("settings/<slug:kind>/new/", channel_views.edit_channel, name="new-channel"),
    path("settings/<slug:kind>/<int:pk>/", channel_views.edit_channel, name="edit-channel"),
    path("deliveries/", channel_views.deliveries, name="deliveries"),
    path("deliveries/<int:pk>/again/", channel_views.send_again, name="send-again"),
    path("audit/", views.audit_list, name="audit"),
    path("edit/<slug:kind>/new/", views.edit_thing, name="new-thing"),
    path("edit/<slug:kind>/<str:pk>/", views.edit_thing, name="edit-thing"),
]
