"""Workers that are not like the others: a machine that makes mistakes, builds in which bugs come and go.

SHOOTDOWN_ODD_WORKER from CTest is a worker with real engines, whose words are changed on the way
(tests/worker/odd_worker.cc)."""

import os
import unittest

import cli
import cluster
from cli import CLEAN, DONE, LOST_BIT, STALE_HIT, wait_until

ODD_WORKER = os.environ["SHOOTDOWN_ODD_WORKER"]


class OddWorkerTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.start_server()

    def start_odd_worker(self, name, *words):
        self.workers[name] = cluster.Program(self, name, [
            ODD_WORKER, self.address, self.folder / f"state-{name}", name, *words])
        return self.workers[name]

    def stats(self):
        result = self.coordinator("stats")
        self.assertEqual(result.status, DONE, result.err)
        return {w["name"]: w for w in result.json()["workers"]}

    def wait_for_state(self, state):
        """Until the one bug that is listed is in that state."""
        def reached():
            rows = self.findings("--json")
            return len(rows) == 1 and rows[0]["state"] == state and rows[0]
        return wait_until(reached, f"a finding that is {state}", pause=0.1)

    def test_a_worker_whose_runs_go_wrong_is_quarantined_with_the_first_step_that_differs(self):
        for name in ("w1", "w2"):
            self.start_worker(name)
        odd = self.start_odd_worker("odd", "missteps")
        wait_until(lambda: len(self.stats()) == 3, "three workers")
        scenarios = [f"{bug}{cpus}-fixed" for bug in (STALE_HIT, LOST_BIT)
                     for cpus in ("", "-3cpu", "-4cpu")]
        campaign = self.create(*scenarios, "--runs", 2**50)

        wait_until(lambda: "worker quarantined" in self.server.said(), "the quarantine", pause=0.1)

        line = next(l for l in self.server.said().splitlines() if "worker quarantined" in l)
        self.assertRegex(line, r'name=odd .*step \d+: \\?".*a step from nowhere')
        self.assertEqual(odd.process.wait(cli.TIMEOUT), DONE)  # it is sent away
        quarantined = {name: w["quarantined"] for name, w in self.stats().items()}
        self.assertRegex(quarantined.pop("odd", "step"), "step")
        self.assertEqual(quarantined, {"w1": "", "w2": ""})
        # The others go on, and nobody believes the odd one when it comes back.
        self.start_odd_worker("odd", "missteps")
        self.assertEqual(self.workers["odd"].process.wait(cli.TIMEOUT), DONE)
        self.assertEqual(self.show(campaign)["state"], "running")

    def test_a_bug_is_fixed_by_one_build_and_back_in_the_next(self):
        worker = self.start_worker()
        other = self.start_worker("w2")
        self.wait_for_campaign(self.create(STALE_HIT))
        self.wait_for_state("minimized")
        for w in (worker, other):
            self.assertEqual(w.stop(), DONE)
        # Settled findings of scenarios that are searched now are run again by models that are new.
        campaign = self.create(STALE_HIT, "--runs", 2**50, "--keep-going", "--findings-max", 1)

        fixes = self.start_odd_worker("fixes", "fixed", "build-2")
        fixed = self.wait_for_state("fixed")
        self.assertEqual(fixes.stop(), DONE)
        self.start_odd_worker("brings-back", "honest", "build-3")
        back = self.wait_for_state("regressed")

        self.assertEqual(back["id"], fixed["id"])
        m = cluster.messages()
        finding = self.stub("Findings").GetFinding(m.finding_pb2.GetFindingRequest(id=back["id"]))
        self.assertEqual(finding.finding.model_version, "build-3")
        self.assertIn("shows it again", finding.finding.words)
        self.assertEqual(self.campaign("stop", campaign).status, DONE)


if __name__ == "__main__":
    unittest.main()
