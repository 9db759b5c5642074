"""Whatever is killed, stopped, torn or full: nothing that was acknowledged is lost or doubled.

Figures are printed: SHOOTDOWN_KILLS says how often something is killed (100; less often where programs are slow).
"""

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
        self.assertIn(" 0 of them forgotten", checked.out)
        print(f"\n{KILLS} blows ({blows}), {len(ids)} findings, "
              f"{len(self.acknowledged())} receipts for them, none lost, none twice")


class AbsenceTest(cluster.ClusterTest):
    def test_a_worker_goes_on_without_its_coordinator_and_reconciles(self):
        self.start_server()
        self.start_worker()
        campaign = self.create(*SCENARIOS, "--runs", 300_000, "--keep-going")
        wait_until(lambda: self.show(campaign)["runs"] > 0, "runs")
        self.server.kill()
        time.sleep(2)
        self.assertTrue(self.workers["w1"].alive(), self.workers["w1"].said())

        self.start_server()

        self.assertEqual(self.wait_for_campaign(campaign, seconds=120)["state"], "done")

    def test_an_engine_that_is_killed_costs_its_lease_and_is_reported(self):
        self.start_server()
        worker = self.start_worker()
        campaign = self.create(CLEAN, "--runs", 400_000)
        wait_until(lambda: self.show(campaign)["runs"] > 0, "runs")

        def kill_an_engine():
            # Between two leases a host has no child.
            for host in cli.children_of(worker.pid):
                for engine in cli.children_of(host):
                    os.kill(engine, signal.SIGKILL)
            return re.search(failed, worker.said())

        # With the schedule that it ran, which is where one begins to look for the cause.
        failed = r'engine failed .*schedule="?T\d'
        wait_until(kill_an_engine, "an engine that failed", pause=0.2)

        self.assertEqual(self.wait_for_campaign(campaign, seconds=120)["state"], "done")
        self.assertTrue(worker.alive())
        self.assertRegex(self.server.said(), failed)


if __name__ == "__main__":
    unittest.main()
