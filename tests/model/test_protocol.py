"""The claim and journal protocol, explored state by state: two workers, two commands, one device, a re-run by a person.

Every interleaving of duplicate wakeups, crashes, pauses, expiring leases and the reaper is visited. The protocol as
built must keep all promises; each variant that lacks one of its parts must break one, or the model could not fail.
"""

from collections import deque
from dataclasses import dataclass, replace

import pytest

COMMANDS = 2
#: How many crashes, expiring leases and wakeups are played.
CRASHES, EXPIRIES, HINTS = 2, 3, 3


@dataclass(frozen=True)
class Parts:
    """What the protocol has. `local`: the reaper can kill the owner; else it may only declare, and must quarantine."""

    claim: bool = True  # a claim is a compare-and-set
    intent: bool = True  # an intent is durable before a command is sent, and never sent again
    fence: bool = True  # writes carry the token
    terminal: bool = True  # an interrupted run is never resumed
    kill_first: bool = True  # where it can, the reaper kills before it declares
    quarantine: bool = True  # where it cannot, the device stays held until the owner is surely gone
    margin: bool = True  # a worker sends only while its lease runs
    local: bool = True


@dataclass(frozen=True)
class Run:
    status: str = "queued"
    token: int = 0
    intended: int = 0
    confirmed: int = 0
    leased: bool = False
    owner: int = -1


@dataclass(frozen=True)
class Worker:
    at: str = "idle"  # idle, claimed, intended, checked, sent, dead
    run: int = -1
    token: int = 0
    next: int = 0


@dataclass(frozen=True)
class State:
    runs: tuple = (Run(), Run(status="absent"))
    workers: tuple = (Worker(), Worker())
    holder: int = -1
    executed: tuple = ((0,) * COMMANDS, (0,) * COMMANDS)
    crashes: int = CRASHES
    expiries: int = EXPIRIES
    wakeups: int = HINTS
    broken: str = ""

    def run(self, n, **changes):
        return replace(self, runs=tuple(replace(r, **changes) if i == n else r for i, r in enumerate(self.runs)))

    def worker(self, n, **changes):
        return replace(self, workers=tuple(replace(w, **changes) if i == n else w for i, w in enumerate(self.workers)))


def steps(state, parts):
    for n, worker in enumerate(state.workers):
        if worker.at == "dead":
            yield state.worker(n, at="idle", run=-1)  # it is started anew
            continue
        yield from moves(state, parts, n, worker)
        if state.crashes:
            yield replace(state.worker(n, at="dead"), crashes=state.crashes - 1)
    for r, run in enumerate(state.runs):
        if run.status == "running" and run.leased and state.expiries:
            yield replace(state.run(r, leased=False), expiries=state.expiries - 1)
        if run.status == "running" and not run.leased:
            yield from reap(state, parts, r, run)
        if run.status == "interrupted" and state.holder == r and gone(state, run):
            yield replace(state, holder=-1)  # the quarantine is lifted
    if state.runs[0].status == "interrupted" and state.runs[1].status == "absent":
        yield state.run(1, status="queued")  # a person runs it again


def gone(state, run):
    owner = state.workers[run.owner]
    return owner.at in ("dead", "idle") or state.runs[owner.run] is not run


def moves(state, parts, n, worker):
    if worker.at == "idle":
        for r, run in enumerate(state.runs):
            free = state.holder in (-1, r)
            if state.wakeups and free and (run.status == "queued" or (not parts.claim and run.status == "running")):
                at = run.confirmed if not parts.intent else max(run.confirmed, run.intended)
                taken = state.run(r, status="running", token=run.token + 1, leased=True, owner=n)
                yield replace(
                    taken.worker(n, at="claimed", run=r, token=run.token + 1, next=at),
                    holder=r,
                    wakeups=state.wakeups - 1,
                )
        return
    run = state.runs[worker.run]
    mine = run.status == "running" and (run.token == worker.token or not parts.fence)
    if worker.at == "claimed":
        if worker.next == COMMANDS:
            if mine:
                done = state.run(worker.run, status="done", leased=False).worker(n, at="idle", run=-1)
                yield replace(done, holder=-1)
            else:
                yield state.worker(n, at="idle", run=-1)
        elif not parts.intent:
            yield state.worker(n, at="intended")
        elif mine and (run.leased or not parts.margin):
            yield state.run(worker.run, intended=worker.next + 1).worker(n, at="intended")
        else:
            yield state.worker(n, at="idle", run=-1)
    elif worker.at == "intended":
        ours = run.leased and run.token == worker.token
        yield state.worker(n, at="checked") if ours or not parts.margin else state.worker(n, at="idle", run=-1)
    elif worker.at == "checked":  # a pause may lie between the check and the bytes
        yield execute(state, parts, n, worker, run)
    elif worker.at == "sent":
        if mine:
            yield state.run(worker.run, confirmed=worker.next + 1).worker(n, at="claimed", next=worker.next + 1)
        else:
            yield state.worker(n, at="idle", run=-1)


def execute(state, parts, n, worker, run):
    counts = [list(row) for row in state.executed]
    counts[worker.run][worker.next] += 1
    after = replace(state.worker(n, at="sent"), executed=tuple(map(tuple, counts)))
    if counts[worker.run][worker.next] > 1:
        return replace(after, broken="a command was executed twice")
    if state.holder not in (-1, worker.run):
        return replace(after, broken="a command came while another run held the device")
    if parts.local and parts.kill_first and run.status != "running":
        return replace(after, broken="a command came after its run had ended")
    return after


def reap(state, parts, r, run):
    if parts.local and parts.kill_first and not gone(state, run):
        state = state.worker(run.owner, at="dead")
    keep = not parts.local and parts.quarantine and not gone(state, run)
    status = "interrupted" if parts.terminal else "queued"
    yield replace(state.run(r, status=status, token=run.token + 1), holder=r if keep else -1)


def wrong(state, parts):
    if state.broken:
        return state.broken
    for run, counts in zip(state.runs, state.executed, strict=True):
        executed = sum(counts)
        if (parts.intent or parts.terminal) and not run.confirmed <= executed <= run.intended:
            return f"the journal says {run.confirmed} to {run.intended}, the device executed {executed}"
        if run.status == "done" and executed != COMMANDS:
            return "a run succeeded without all its commands"
    return ""


def explore(parts, limit=400_000):
    """Visit every reachable state, nearest first; return (states, what broke first, after how many steps)."""
    seen, todo = {State()}, deque([(State(), 0)])
    while todo:
        state, depth = todo.popleft()
        for following in steps(state, parts):
            if following in seen:
                continue
            problem = wrong(following, parts)
            if problem:
                return len(seen), problem, depth + 1
            seen.add(following)
            todo.append((following, depth + 1))
            assert len(seen) < limit
    return len(seen), "", 0


@pytest.mark.parametrize(
    "local", [True, False], ids=["the reaper can kill the owner", "the owner is on another machine"]
)
def test_the_protocol_keeps_its_promises_in_every_state(local):
    states, problem, depth = explore(Parts(local=local))
    print(f"{states} states")
    assert not problem, f"{problem} after {depth} steps"
    assert states > 500


@pytest.mark.parametrize(
    "lacking",
    [
        {"claim": False},
        {"intent": False},
        {"terminal": False},
        {"terminal": False, "intent": False},
        {"kill_first": False},
        {"fence": False, "kill_first": False},
        {"local": False, "quarantine": False},
    ],
    ids=lambda lacking: " and ".join(f"without {part}" for part in lacking if part != "local"),
)
def test_without_one_of_its_parts_it_breaks(lacking):
    _, problem, depth = explore(Parts(**lacking))
    print(f"{problem} after {depth} steps")
    assert problem
