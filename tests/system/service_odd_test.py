"""Workers that are not like the others: a machine that makes mistakes, builds in which bugs come and go.

SHOOTDOWN_ODD_WORKER from CTest is a worker with real engines, whose words are changed on the way
(tests/worker/odd_worker.cc)."""

import os
import re
import unittest

import cli
import cluster
from cli import CLEAN, DONE, STALE_HIT, wait_until

ODD_WORKER = os.environ["SHOOTDOWN_ODD_WORKER"]


class OddWorkerTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.start_server()

    def start_odd_worker(self, name, *words):
        self.workers[name] = cluster.Program(self, name, [
            ODD_WORKER, self.address, self.folder / f"state-{name}", name, *words])
        return self.workers[name]

    def workers_seen(self):
        result = self.coordinator("stats")
        self.assertEqual(result.status, DONE, result.err)
        return result.json()["workers"]

    def wait_for_state(self, finding, state):
        wait_until(lambda: any(row["id"] == finding and row["state"] == state
                               for row in self.findings()), f"a finding that is {state}", pause=0.1)

    def leases_done(self):
        found = re.search(r'shootdown_leases_total\{outcome="done"\} (\d+)', self.metrics())
        return int(found[1]) if found else 0

    def test_a_worker_whose_runs_go_wrong_is_quarantined_with_the_first_step_that_differs(self):
        # Which leases are run again elsewhere depends on their ids alone: of the first ones, the fifth.
        # The odd worker has it, since nobody else is there.
        odd = self.start_odd_worker("odd", "missteps")
        campaign = self.create(CLEAN, "--runs", 2**50)
        wait_until(lambda: self.leases_done() >= 5, "five leases", pause=0.1)
        for name in ("w1", "w2"):
            self.start_worker(name)

        # A lease is run again, and then an input by all three, each behind what they have in reserve.
        wait_until(lambda: "worker quarantined" in self.server.said(), "the quarantine", seconds=110,
                   pause=0.1)

        line = next(l for l in self.server.said().splitlines() if "worker quarantined" in l)
        self.assertRegex(line, r"name=odd .*of 2 of 3 workers: step \d+: .*a step from nowhere")
        self.assertEqual(odd.process.wait(cli.TIMEOUT), DONE)  # it is sent away
        quarantined = {w["name"]: w["quarantined"] for w in self.workers_seen()}
        self.assertIn("a step from nowhere", quarantined.pop("odd"))
        self.assertEqual(quarantined, {"w1": "", "w2": ""})
        # The others go on, and nobody believes the odd one when it comes back.
        again = self.start_odd_worker("odd", "missteps")
        self.assertEqual(again.process.wait(cli.TIMEOUT), DONE)
        self.assertEqual(self.show(campaign)["state"], "running")

    def test_a_bug_is_fixed_by_one_build_and_back_in_the_next(self):
        first = [self.start_worker(name) for name in ("w1", "w2")]
        self.wait_for_campaign(self.create(STALE_HIT))
        finding = self.findings()[0]["id"]
        self.wait_for_state(finding, "minimized")
        for worker in first:
            self.assertEqual(worker.stop(), DONE)
        # Minimized findings of scenarios that are searched now are run again by models that are new.
        self.create(STALE_HIT, "--runs", 2**50, "--keep-going")

        fixes = self.start_odd_worker("fixes", "fixed", "build-2")
        self.wait_for_state(finding, "fixed")
        shown = self.shootdown("failures", "show", finding, "--coordinator", self.address)
        self.assertIn("\nstate      fixed: model build-2 does not show it: the run is clean\n", shown.out)
        self.assertEqual(fixes.stop(), DONE)
        self.start_odd_worker("brings-back", "honest", "build-3")
        self.wait_for_state(finding, "regressed")

        request = cluster.messages().finding_pb2.GetFindingRequest(id=finding)
        back = self.stub("Findings").GetFinding(request, timeout=10).finding
        self.assertEqual(back.model_version, "build-3")
        self.assertIn("shows it again", back.words)


if __name__ == "__main__":
    unittest.main()
