"""What every page's frame shows: navigation, counts, the banner, notices, the tenant switcher."""

from approvals import selectors as approvals
from config.requests import Request
from devices import access as tenants
from devices import selectors as inventory
from devices.channels import CHANNELS
from devices.domain.roles import Verb
from jobs import access


def frame(request: Request) -> dict[str, object]:
    """Context processor; does nothing for anonymous visitors and for fragments that htmx asks for."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or getattr(request, "htmx", False):
        return {}
    waiting = list(approvals.waiting_for(user)[:100])
    return {
        "frame": {
            "tenants": list(inventory.visible_tenants(user)),
            "tenant": request.session.get("tenant", ""),
            "may_run": access.may_run_anywhere(user),
            "may_administer": tenants.tenants_where(user, Verb.ADMINISTER).exists(),
            "channels": list(CHANNELS.values()),
            "waiting": waiting,
            "unread": inventory.notices_of(user).filter(read_at=None).count(),
        }
    }
