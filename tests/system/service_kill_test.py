"""Whatever is killed, stopped, torn or full: nothing that was acknowledged is lost or doubled.

Figures are printed: SHOOTDOWN_KILLS says how often something is killed (100; less often where programs are slow).
"""

import contextlib
import os
import random
import re
import resource
import signal
import time
import unittest

import cli
import cluster
from cli import CLEAN, DONE, wait_until

KILLS = int(os.environ.get("SHOOTDOWN_KILLS", 100 // cli.PATIENCE))
WORKERS = 3
SCENARIOS = [f"seed-{bug}{cpus}" for bug in ("stale-hit", "lost-bit")
             for cpus in ("", "-3cpu", "-4cpu")]


def tear(path, draw):
    """What a power cut leaves of a write that nobody waited for: less than all of a record."""
    with path.open("ab") as file:
        file.write(draw.randbytes(draw.randint(1, 6)))


class KillTest(cluster.ClusterTest):
    def newest_log(self):
        logs = sorted(self.data.glob("*.log"), key=lambda p: p.stat().st_mtime)
        return logs[-1] if logs else None

    def acknowledged(self):
        """The ids in the workers' receipts: what the coordinator said it has on disk."""
        lines = [line for path in self.receipts() for line in path.read_text().splitlines()]
        return {line.split()[1] for line in lines if line.startswith("finding ")}

    def disturb(self, draw):
        """One blow, and what puts it right again."""
        kind = draw.choice(["server", "server", "worker", "worker", "worker", "stop", "torn", "full"])
        name = draw.choice(sorted(self.workers))
        if kind == "worker":
            self.workers[name].kill()
            self.start_worker(name)
        elif kind == "stop":
            stopped = draw.choice([self.server, self.workers[name]])
            stopped.signal(signal.SIGSTOP)
            time.sleep(draw.uniform(0, 1))
            stopped.signal(signal.SIGCONT)
        elif kind == "full":
            # As a full disk: no file can grow.
            limit = resource.prlimit(self.server.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(self.server.pid, resource.RLIMIT_FSIZE, (0, limit[1]))
            time.sleep(draw.uniform(0, 0.5))
            resource.prlimit(self.server.pid, resource.RLIMIT_FSIZE, limit)
            self.assertTrue(self.server.alive(), self.server.said())
            if draw.random() < 0.5:
                self.server.kill()
                self.start_server()
        else:
            self.server.kill()
            if kind == "torn" and (log := self.newest_log()):
                tear(log, draw)
            self.start_server()
        return kind

    def test_a_hundred_blows_lose_nothing(self):
        draw = random.Random(1)
        self.start_server()
        for number in range(WORKERS):
            self.start_worker(f"w{number}")
        campaigns = []
        blows = {}
        seen = set()
        for number in range(KILLS):
            if number % 10 == 0:
                campaigns.append(self.create(*SCENARIOS, "--runs", 20_000, "--keep-going", "--seed",
                                             1 + number))
            time.sleep(draw.uniform(0, 0.5))
            kind = self.disturb(draw)
            blows[kind] = blows.get(kind, 0) + 1
            if number % 10 == 9:
                acknowledged = self.acknowledged()  # first: more of them come while one looks
                known = {row["id"] for row in self.findings()}
                self.assertLessEqual(seen | acknowledged, known)
                seen = known

        ended = [self.wait_for_campaign(c, seconds=240) for c in campaigns]

        self.assertEqual({c["state"] for c in ended}, {"done"})
        rows = self.findings()
        ids = [row["id"] for row in rows]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertLessEqual(seen | self.acknowledged(), set(ids))
        self.assertEqual({row["state"] for row in rows}, {"minimized"})
        for worker in self.workers.values():
            worker.stop()
        self.assertEqual(self.server.stop(), DONE, self.server.said())
        checked = self.fsck()
        self.assertEqual(checked.status, DONE, checked.out + checked.err)
        # Each receipt was judged: an input that is not held had others take its place.
        self.assertRegex(checked.out, "receipts: [1-9][0-9]* findings, 0 of them forgotten with their campaigns; "
                                      "[1-9][0-9]* inputs, [0-9]+ of them distilled away since, 0 forgotten with "
                                      "their campaigns, 0 that say too little")
        print(f"\n{KILLS} blows ({blows}), {len(ids)} findings, "
              f"{len(self.acknowledged())} receipts for them, none lost, none twice")


class AbsenceTest(cluster.ClusterTest):
    """Campaigns that do not end by themselves, so that however slow a machine is, what is waited for
    comes before the end."""

    def runs(self, campaign):
        return self.show(campaign)["runs"]

    def engines(self, worker):
        """The processes that run a lease now: a host has none between two leases."""
        return {engine for host in cli.children_of(worker.pid) for engine in cli.children_of(host)}

    def test_a_worker_goes_on_without_its_coordinator_and_reconciles(self):
        self.start_server()
        worker = self.start_worker()
        campaign = self.create(*SCENARIOS, "--runs", 2**50, "--keep-going")
        wait_until(lambda: self.runs(campaign) > 0, "runs")
        before = self.runs(campaign)
        self.server.kill()
        wait_until(lambda: "going on without it" in worker.said(), "a worker that misses it")
        # It holds two leases at most, so the third process since then runs without one.
        seen = set()
        wait_until(lambda: seen.update(self.engines(worker)) or len(seen) > 2, "runs without a lease")
        self.assertTrue(worker.alive(), worker.said())

        self.start_server()

        wait_until(lambda: "the coordinator has started anew" in worker.said(), "an answer")
        wait_until(lambda: self.runs(campaign) > before, "runs under new leases")
        self.assertEqual(self.campaign("stop", campaign).json()["state"], "stopped")
        self.assertTrue(worker.alive(), worker.said())

    def test_an_engine_that_is_killed_costs_its_lease_and_is_reported(self):
        self.start_server()
        worker = self.start_worker()
        campaign = self.create(CLEAN, "--runs", 2**50)
        # With the schedule that it ran, which is where one begins to look for the cause.
        failed = r'engine failed .*schedule="?T\d'

        def kill_an_engine():
            # After leases that went well: a scenario that fails each time is given up.
            runs = self.runs(campaign)
            wait_until(lambda: self.runs(campaign) > runs, "runs", pause=0.1)
            reports = worker.said().count("engine failed")
            killed = wait_until(lambda: self.engines(worker), "an engine")
            for engine in killed:
                with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
                    os.kill(engine, signal.SIGKILL)
            # A lease that had just ended was not hit.
            wait_until(lambda: worker.said().count("engine failed") > reports
                       or not killed & self.engines(worker), "the end of an engine")
            return re.search(failed, worker.said())

        wait_until(kill_an_engine, "an engine that failed")

        runs = self.runs(campaign)
        wait_until(lambda: self.runs(campaign) > runs, "runs after it", pause=0.1)
        wait_until(lambda: re.search(failed, self.server.said()), "a report")
        self.assertTrue(worker.alive())
        self.assertEqual(self.show(campaign)["state"], "running")


if __name__ == "__main__":
    unittest.main()
