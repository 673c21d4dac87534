"""The deterministic cells: each place of `config.failpoints` × {kill, pause, database cut, broker cut}.

In a cell a worker (or whoever comes by that place) is stopped there, the harness acts, and then everything has 60 s to
come to rest. `python -m tests.chaos cells [--only intent_stored:kill,line_sent:stop] [--width 4]`.
`python -m tests.chaos broken` plays the cells in which a build that lacks a part of the protocol must be caught.
"""

import contextlib
import json
import socket
import threading
import time
from dataclasses import dataclass, field

from tests.chaos import checker, world
from tests.chaos.plant import LEASE, Proxy, kill

ACTIONS = ("kill", "stop", "database", "broker")
PAUSE = 3 * LEASE
#: What was paused is given so many seconds to do harm before the judge looks.
AWAKE = 1.5
#: Which occurrence of a place is the second change: the session's own lines come first, and `half_sent` comes twice in
#: a line.
NUMBER = {
    "intent_stored": 3,
    "half_sent": 13,
    "line_sent": 7,
    "answer_begun": 7,
    "answer_not_confirmed": 5,
    "change_not_saved": 1,
    "worker_woken": 1,
}
#: The twenty cells that run in every full test.
CHOSEN = (
    "due_computed:kill,runs_not_committed:kill,tick_committed:kill,wakeup_sent:broker,worker_woken:broker,"
    "claim_committed:kill,claim_committed:stop,device_held:kill,login_accepted:stop,before_read:database,"
    "intent_stored:kill,intent_stored:stop,intent_stored:database,half_sent:kill,line_sent:stop,"
    "answer_begun:kill,answer_not_confirmed:kill,answer_not_confirmed:database,result_not_stored:kill,"
    "result_not_told:kill"
)
#: Every worker reaps, and starts what is late: beside other cells, a worker of theirs might come by these places first.
ALONE = ("approved_not_started", "kill_not_declared")
#: For each build of `tests.chaos.broken` the cell that shows what it lacks, and the invariants that must be seen
#: broken.
CAUGHT = {
    "resume": ("answer_not_confirmed:kill", {"I-1"}),
    "no_fence": ("intent_stored:stop", {"I-4", "I-5"}),
    "eager_unlock": ("intent_stored:stop", {"I-4", "I-5"}),
}

TICK = "from jobs.dispatch import dispatcher; from django.utils import timezone; dispatcher.tick(now=timezone.now())"
DELIVER = """
import time
from devices.services import delivery
from django.utils import timezone
for _ in range(100):
    delivery.deliver(now=timezone.now())
    time.sleep(0.1)
"""
#: Who comes by a place that is not in a worker's conversation: code that an actor process runs.
ACTORS = {"due_computed": TICK, "runs_not_committed": TICK, "tick_committed": TICK, "wakeup_sent": TICK}


@dataclass
class Cell:
    """One place, one action, and what came of it.

    The jobs of a cell want the same device, so that somebody waits for it.
    """

    place: str
    action: str
    number: int
    broken: str = ""
    hit: bool = False
    problems: list = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self):
        return f"{self.place}:{self.action}"


class Control:
    """The socket on which a stopped process waits; `act` is called with its process id, then it goes on."""

    def __init__(self, path, act):
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(path))
        self.server.listen(5)
        self.act, self.path, self.hit = act, path, threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            connection, _ = self.server.accept()
            with connection:
                pid = int(connection.makefile().readline().split()[1])
                self.hit.set()
                self.act(pid)
                with contextlib.suppress(OSError):
                    connection.sendall(b"!")

    def close(self):
        self.server.close()
        self.path.unlink(missing_ok=True)


def run_cell(plant, cell):
    """Play one cell; what is wrong afterwards is in `cell.problems`."""
    began, name = time.monotonic(), f"cell-{cell.number}"
    queue = world.agent(name)
    first = 100_000 + cell.number * 10
    count, devices = 6 if cell.place.startswith("S") else 2, [cell.number % plant.devices]
    jobs = world.jobs(count, queue, first, devices)
    database, broker = Proxy(plant.postgres.port), Proxy(int(plant.broker.rsplit(":", 1)[1].split("/")[0]))

    def act(pid):
        if cell.action == "kill":
            kill(pid)
        elif cell.action == "stop":
            kill(pid, 19)
            threading.Timer(PAUSE, kill, (pid, 18)).start()
        elif cell.action == "database":
            database.cut(PAUSE)
        else:
            broker.cut(PAUSE)

    control = Control(plant.folder / f"control-{cell.number}", act)
    there = {
        "database_port": database.port,
        "broker": f"redis://127.0.0.1:{broker.port}/0",
        "failpoint": f"{cell.place}@{NUMBER.get(cell.place, 1)}",
        "control": str(control.path),
        "log": str(plant.folder / f"{name}.log"),
        "break": cell.broken,
    }
    children = []
    try:
        _play(plant, cell, jobs, queue, there, children, control)
        cell.hit = control.hit.is_set()
        _wait_for_rest(cell, queue)
    finally:
        control.close()
        for pid in children:
            kill(pid)
            kill(pid, 18)
    cell.seconds = time.monotonic() - began


def _play(plant, cell, jobs, queue, there, children, control):
    """Bring a process to the place, with another worker beside it that sees to the rest."""
    if cell.place in ("due_computed", "runs_not_committed", "tick_committed", "wakeup_sent"):
        for pair in (jobs[:2], jobs[2:4], jobs[4:]):  # another cell's worker may tick before
            due = world.fire(pair, 0).timestamp()
            code = f"import time; time.sleep(max(0, {due} + 0.02 - time.time())); {ACTORS[cell.place]}; time.sleep(2)"
            children.append(plant.fork("actor", code=code, **there))
            if control.hit.wait(5):
                break
        children.append(plant.worker(f"b{cell.number}", [queue], **{"break": cell.broken}))
        return
    if cell.place == "vote_not_judged":
        children.append(plant.fork("actor", code=VOTE.format(job=jobs[0].pk), **there))
        control.hit.wait(20)
        world.fire(jobs[1:], 0)
    elif cell.place == "approved_not_started":
        children.append(plant.fork("actor", code=LATE.format(job=jobs[0].pk), **there))
        control.hit.wait(20)
        world.fire(jobs[1:], 0)
    elif cell.place == "delivery_not_marked":
        world.fire(jobs, 0)
        children.append(plant.worker(f"b{cell.number}", [queue], **{"break": cell.broken}))
        time.sleep(4)
        children.append(plant.fork("actor", code=DELIVER, **there))
        control.hit.wait(20)
        return
    elif cell.place == "kill_not_declared":
        world.fire(jobs, 0)
        victim = plant.worker(f"v{cell.number}", [queue])
        wait_until(lambda: _running(queue), 30)
        kill(victim, 19)
        children += [victim, plant.worker(f"a{cell.number}", ["nobody"], **there)]
        control.hit.wait(30)
    else:
        world.fire(jobs, 0)
        children.append(plant.worker(f"a{cell.number}", [queue], **there))
        if cell.place == "cancel_noticed":
            wait_until(lambda: _running(queue), 30)
            world.cancel(queue)
        control.hit.wait(30)
    children.append(plant.worker(f"b{cell.number}", [queue], **{"break": cell.broken}))


VOTE = "from tests.chaos import world; world.vote('{job}')"
LATE = "from tests.chaos import world; world.vote('{job}', late=True)"


def _running(queue):
    return checker.rows(
        "SELECT 1 FROM jobs_devicerun d JOIN jobs_jobrun r ON r.id = d.run_id "
        "JOIN devices_agent a ON a.id = r.agent_id WHERE a.queue = %s AND d.status = 'running' AND d.intended > 0",
        queue,
    )


def wait_until(check, seconds):
    """Wait for something; return it, or None when the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.1)
    return None


def _wait_for_rest(cell, queue):
    if not cell.hit:
        cell.problems.append("the place was never reached")
    statement = (
        "SELECT r.status, r.planned_at FROM jobs_jobrun r JOIN devices_agent a ON a.id = r.agent_id WHERE a.queue = %s"
    )
    expected = 1 if cell.place == "vote_not_judged" else 2  # a vote alone makes no run
    # From the moment that nobody is cut off or paused any more.
    time.sleep(PAUSE if cell.action != "kill" else 0)

    def rest():
        found = checker.rows(statement, queue)
        return len(found) >= expected and all(row["status"] not in checker.OPEN for row in found)

    if not wait_until(rest, 60):
        cell.problems.append(f"after 60 s: {checker.rows(statement, queue)}")
    if cell.action == "stop":
        time.sleep(AWAKE)


def main_broken(plant, only="", first=40_000):
    """Play the cell of each broken build (or of `only` one); return what was not caught of it."""
    missed = []
    for number, (what, (name, wanted)) in enumerate(CAUGHT.items(), first):
        if only in ("", what):
            _, before = checker.check(plant.fleet_log, posted=plant.posted)
            cell = Cell(*name.split(":"), number, broken=what)
            run_cell(plant, cell)
            _, after = checker.check(plant.fleet_log, posted=plant.posted)
            found = [problem for problem in after if problem not in before]
            print(f"{what}, {cell}: {cell.seconds:.1f} s", *found, sep="\n  ", flush=True)
            lacking = wanted - {problem.split()[0] for problem in found}
            missed += [f"The build {what} broke no {invariant} in {name}." for invariant in sorted(lacking)]
    return missed


def main(plant, only="", width=3):
    """Play the cells, several at a time; return them and what the checker found."""
    from config.failpoints import PLACES

    names = only.split(",") if only else [f"{place}:{action}" for place in PLACES for action in ACTIONS]
    cells = [Cell(*name.split(":"), number) for number, name in enumerate(names)]
    world.jobs(0)
    _play_all(plant, [cell for cell in cells if cell.place not in ALONE], width)
    _play_all(plant, [cell for cell in cells if cell.place in ALONE], 1)
    counts, wrong = checker.check(plant.fleet_log, posted=plant.posted)
    print(json.dumps(counts))
    return cells, wrong


def _play_all(plant, cells, width):
    todo, lock = iter(cells), threading.Lock()

    def work():
        from django.db import connection

        while True:
            with lock:
                cell = next(todo, None)
            if cell is None:
                connection.close()
                return
            try:
                run_cell(plant, cell)
            except Exception as error:  # noqa: BLE001 - a defect of the harness is a problem of the cell
                cell.problems.append(repr(error))
            print(f"{cell!s:<14} {'ok' if not cell.problems else cell.problems} {cell.seconds:.1f} s", flush=True)

    threads = [threading.Thread(target=work) for _ in range(width)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
