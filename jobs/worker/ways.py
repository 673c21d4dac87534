"""The way to a device for one device run: its jump hosts with their logins and pinned keys, and second factors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import partial
from uuid import UUID

from devices.domain.endpoints import parsed, spelled
from devices.domain.errors import JumpLoginRefused
from devices.domain.secrets import Login
from devices.drivers.handshake import Hop
from devices.drivers.hub import sleep
from devices.models import JumpHost
from devices.services import jump_hosts
from jobs.domain.plan import HopChoice
from jobs.worker.claims import Assignment
from jobs.worker.journal import Journal

#: So many outcomes of logins to jump hosts are remembered.
REMEMBERED = 5000
#: Seconds between two looks whether somebody else's login to a jump host has ended.
LOOK_SECONDS = 0.1


class Trials:
    """Logins to jump hosts of this process: of those of one run with one login, the first goes alone, and none follows
    one that was refused. Hundreds of devices behind one jump host would lock its account otherwise."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Hashable, bool | None] = {}  # None: somebody tries

    def enter(self, key: Hashable, who: str, check: Callable[[], None]) -> None:
        """Wait for one's turn; JumpLoginRefused where the login was refused already."""
        while True:
            with self._lock:
                if key not in self._known:
                    self._forget_some()
                    self._known[key] = None
                    return
                taken = self._known[key]
            if taken:
                return
            if taken is False:
                raise JumpLoginRefused(
                    f"{who} refused this login for another device of the run, so it was not tried again. "
                    "The device was not reached."
                )
            check()
            sleep(LOOK_SECONDS)

    def tell(self, key: Hashable, taken: bool | None) -> None:
        """Note how a login ended; None when it was not decided on."""
        with self._lock:
            if taken is not None:
                self._known[key] = taken or bool(self._known.get(key))
            elif self._known.get(key, False) is None:
                del self._known[key]

    def _forget_some(self) -> None:
        if len(self._known) >= REMEMBERED:
            self._known = {key: taken for key, taken in self._known.items() if taken is None}


TRIALS = Trials()


class Ways:
    """What a device run connects with. `pinned` are newly seen host keys of jump hosts, by id."""

    def __init__(self, item: Assignment, journal: Journal) -> None:
        self._item, self._journal = item, journal
        self.pinned: dict[UUID, str] = {}

    def problem(self) -> str:
        """Say why the way of the plan does not exist any more; empty when it does."""
        for choice in self._item.plan.via:
            row = self._item.jump_hosts.get(choice.id)
            if row is None or choice.credential not in self._item.logins:
                what = "was removed" if row is None else "has another credential"
            elif spelled(row.host, row.port) != choice.endpoint or str(row.credential_id) != choice.credential:
                what = "was changed"
            else:
                continue
            return f"The jump host '{choice.name}' {what} since this run was planned; nothing was sent. Run it again."
        return ""

    def login(self, credential: str) -> Login:
        """Return the login of a credential (id), whose secrets are hidden from now on."""
        found = self._item.logins[credential]
        self._journal.secrets += tuple(text for text in found.secrets() if text not in self._journal.secrets)
        return replace(found, second=replace(found.second, claim=self._claim)) if found.second else found

    def hops(self) -> tuple[Hop, ...]:
        """Return the jump hosts on the way to the device, the first one first."""
        return tuple(self._hop(choice, self._item.jump_hosts[choice.id]) for choice in self._item.plan.via)

    def _hop(self, choice: HopChoice, row: JumpHost) -> Hop:
        host, port = parsed(choice.endpoint)
        key = (self._item.device_run.run_id, choice.id, self._item.logins[choice.credential])
        words = f"The jump host '{choice.name}'"

        def login() -> Login:
            TRIALS.enter(key, words, self._journal.check)
            return self.login(choice.credential)

        def pin(shown: str) -> None:
            self.pinned[row.pk] = row.host_key = shown

        said = partial(TRIALS.tell, key)
        return Hop(name=choice.name, host=host, port=port, host_key=row.host_key, login=login, pin=pin, said=said)

    def _claim(self, account: str, step: int) -> bool:
        self._journal.check()
        return self._journal.writer.do(partial(jump_hosts.claim_code, account, step))
