"""Random kills, pauses and outages over a plant that works: `python -m tests.chaos storm --kills 1000`."""

import json
import random
import threading
import time
import urllib.request
from collections import Counter

from tests import servers
from tests.chaos import checker, world
from tests.chaos.plant import LEASE, alive, kill

QUEUES = ["celery", "agent.acme.acme-agent-1"]


class Storm:
    """Keeps the processes up, and brings them down."""

    def __init__(self, plant, workers=4, seed=0, broken=""):
        self.plant, self.random, self.broken = plant, random.Random(seed), broken
        self.done, self.promised, self.decided, self.names = Counter(), [], [], 0
        self.pids = {("worker", n): 0 for n in range(workers)} | {("beat", n): 0 for n in range(2)}
        self.webs = [plant.web()]
        self.stopping = threading.Event()
        self.paused = set()
        self.watch()
        servers.wait_for(int(self.webs[0][1].rsplit(":", 1)[1]))

    def watch(self):
        """Start again what is not there."""
        for (kind, n), pid in self.pids.items():
            if not alive(pid):
                self.names += 1
                name = f"{kind}{n}-{self.names}"
                more = {"break": self.broken} if kind == "worker" else {}
                self.pids[kind, n] = (
                    self.plant.worker(name, QUEUES, **more) if kind == "worker" else self.plant.beat(name)
                )
        for n, (process, _) in enumerate(self.webs):
            if process.poll() is not None:
                self.webs[n] = self.plant.web()

    def strike(self):
        """Do one thing to one process or server."""
        draw = self.random.random()
        workers = [pid for (kind, _), pid in self.pids.items() if kind == "worker" and pid not in self.paused]
        if draw < 0.66:
            self.hit("worker killed", self.random.choice(workers or [0]))
        elif draw < 0.86:
            self.pause(self.random.choice(workers or [0]))
        elif draw < 0.93:
            self.hit("beat killed", self.pids["beat", self.random.randrange(2)])
        elif draw < 0.95:
            self.done["web killed"] += 1
            self.webs[0][0].kill()
        elif draw < 0.98:
            self.done["FLUSHALL"] += 1
            _flush(self.plant.broker)
        else:
            self.done["PostgreSQL stopped"] += 1
            self.plant.postgres.crash()
            time.sleep(self.random.uniform(0.1, LEASE * 1.5))
            self.plant.postgres.start()

    def hit(self, what, pid):
        """Kill."""
        if pid and alive(pid):
            self.done[what] += 1
            kill(pid)

    def pause(self, pid):
        """Stop for 0.3 to 4 leases."""
        if pid and alive(pid):
            self.done["worker paused"] += 1
            self.paused.add(pid)
            kill(pid, 19)

            def resume():
                kill(pid, 18)
                self.paused.discard(pid)

            threading.Timer(self.random.uniform(0.3, 4) * LEASE, resume).start()

    def ask(self, jobs):
        """Start jobs and cancel some of the runs through the web, as people would; what was answered 2xx was
        promised."""
        for n, job in enumerate(jobs):
            if self.stopping.wait(0.5):
                return
            made = self.call(f"/api/v1/jobs/{job.pk}/run/")
            if made:
                self.promised.append(made["id"])
                if n % 3 == 0:
                    time.sleep(self.random.uniform(0.2, 1.5))
                    self.done["run cancelled"] += bool(self.call(f"/api/v1/runs/{made['id']}/cancel/"))

    def decide(self, asked):
        """Approve requests through the web and run their jobs, each twice; an answer of 2xx is a promise."""
        for job, request, digest in asked:
            if self.stopping.wait(0.5):
                return
            answer = {"action": "approve", "digest": digest, "message": "Go ahead."}
            if self.call(f"/api/v1/approvals/{request}/decide/", "acme-approver-1", answer):
                self.decided.append(request)
            for _ in range(2):
                if made := self.call(f"/api/v1/jobs/{job}/run/", "acme-operator"):
                    self.promised.append(made["id"])

    def call(self, path, account="acme-admin", data=None):
        """POST as somebody; return the answer, or None when there was none."""
        request = urllib.request.Request(  # noqa: S310
            self.webs[0][1] + path,
            method="POST",
            data=json.dumps(data or {}).encode(),
            headers={"Authorization": f"Bearer demo-{account}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
                return json.load(answer)
        except OSError:
            return None


def _flush(broker):
    import redis

    redis.from_url(broker).flushall()


def main(plant, kills, gap=0.45, broken="", seed=0, width=2.2, first=0):
    """Strike `kills` times while jobs fire, let all come to rest, and judge. Returns (counts, violations)."""
    storm = Storm(plant, seed=seed, broken=broken)
    time.sleep(3)
    count = int(kills * width * 0.65) + 20
    jobs = world.jobs(count, first=first)
    by_hand = world.allow(world.jobs(count // 8, first=first + 50_000))
    asked = world.ask_for_approval(world.jobs(count // 8, first=first + 70_000))
    world.fire(jobs, gap)
    for work, items in ((storm.ask, by_hand), (storm.decide, asked)):
        threading.Thread(target=work, args=(items,), daemon=True).start()
    last, began = {}, time.monotonic()
    changed = []
    while _kills(storm) < kills:
        storm.watch()
        storm.strike()
        time.sleep(storm.random.uniform(0.2, 0.8))
        if _kills(storm) % 20 == 0:
            changed += _changes(last)
    print(f"{dict(storm.done)} in {time.monotonic() - began:.0f} s; coming to rest", flush=True)
    storm.stopping.set()
    deadline = time.monotonic() + (20 if broken else 60 + count * 0.6)
    while time.monotonic() < deadline and _busy():
        storm.watch()
        time.sleep(1)
    counts, wrong = checker.check(plant.fleet_log, storm.promised, storm.decided, plant.posted)
    for pid in [*storm.pids.values(), *(process.pid for process, _ in storm.webs)]:
        kill(pid)
        kill(pid, 18)
    web = {"runs promised over the web": len(storm.promised), "approvals given over the web": len(storm.decided)}
    return {**storm.done, **counts, **web}, wrong + changed


def _kills(storm):
    return sum(n for what, n in storm.done.items() if "killed" in what)


def _busy():
    """Say whether anything is still to be done; while the database starts, it is."""
    from django.db import DatabaseError, connection

    open_runs = "SELECT 1 FROM jobs_jobrun WHERE status IN ('queued', 'waiting', 'running')"
    due = "SELECT 1 FROM jobs_trigger WHERE next_run_at IS NOT NULL AND enabled AND name = 'chaos'"
    try:
        return bool(checker.rows(f"{open_runs} UNION {due} LIMIT 1"))
    except DatabaseError:
        connection.close()
        return True


def _changes(last):
    """I-7: what has ended stays as it ended."""
    from django.db import DatabaseError

    try:
        rows = {
            row["id"]: row["status"]
            for row in checker.rows("SELECT id, status FROM jobs_devicerun WHERE ended_at IS NOT NULL")
        }
    except DatabaseError:
        from django.db import connection

        connection.close()
        return []
    found = [
        f"I-7 device run {pk} was {last[pk]} and is {status}"
        for pk, status in rows.items()
        if last.get(pk, status) != status
    ]
    last.update(rows)
    return found
