"""A campaign from its creation to the last replay, with a coordinator and up to four workers."""

import collections
import unittest

import cli
import cluster
from cli import CLEAN, DONE, LOST_BIT, STALE_HIT


class EveryScenarioTest(cluster.ClusterTest):
    WORKERS = 4
    RUNS = 60_000
    # So rare that they take up to 50,356 schedules on one engine (corpus/README.md).
    RARE = ("7.15-tlbi-vs-rollover", "7.16-switch-mm-barrier")
    RARE_RUNS = 400_000

    def test_every_expected_bug_is_found_confirmed_elsewhere_minimized_and_replays_anywhere(self):
        expected = {row["name"]: row["expected"]
                    for row in self.shootdown("scenarios", "--json").json()["scenarios"]}
        self.start_server()
        for number in range(self.WORKERS):
            self.start_worker(f"w{number}")

        campaign = self.create(*expected, "--name", "everything", "--runs", self.RUNS)
        ended = self.wait_for_campaign(campaign, seconds=240)
        rare = self.create(*self.RARE, "--name", "rare", "--runs", self.RARE_RUNS)
        self.assertEqual(self.wait_for_campaign(rare, seconds=120)["state"], "done")

        self.assertEqual(ended["state"], "done", ended)
        rows = self.findings()
        verdicts = {name: {r["check"] for r in rows if r["scenario"] == name} for name in expected}
        for name, check in expected.items():
            with self.subTest(scenario=name):
                self.assertEqual(verdicts[name], set() if check == "clean" else {check})
        for scenario in ended["scenarios"]:
            if expected[scenario["name"]] == "clean":
                self.assertGreaterEqual(scenario["runs"], self.RUNS)
        self.assert_confirmed_by_another_worker(rows)
        self.assert_exports_replay_without_a_store(rows)
        for worker in self.workers.values():
            self.assertEqual(worker.stop(), DONE, worker.said())
        self.assertEqual(self.server.stop(), DONE, self.server.said())
        checked = self.fsck()
        self.assertEqual(checked.status, DONE, checked.out + checked.err)
        self.assert_is_a_store_like_any_other(rows)

    def assert_confirmed_by_another_worker(self, rows):
        findings = self.stub("Findings")
        request = cluster.messages().finding_pb2.GetFindingRequest
        for row in rows:
            finding = findings.GetFinding(request(id=row["id"])).finding
            self.assertEqual(row["state"], "minimized", finding.words)
            self.assertNotEqual(finding.found_by, finding.confirmed_by, finding.words)
            self.assertTrue(finding.failure.minimized)
            self.assertNotEqual(finding.failure.minimality, 0, "it was not asked for the minimum")

    def assert_exports_replay_without_a_store(self, rows):
        for row in rows:
            file = self.folder / f"{row['id']}.failure"
            result = self.shootdown("failures", "export", row["id"], "--coordinator", self.address,
                                    "-o", file)
            self.assertEqual(result.status, DONE, result.err)
            self.assert_replays(file)
        self.assertFalse((self.folder / "home").exists(), "a replay of a file made a store")

    def assert_is_a_store_like_any_other(self, rows):
        """The data folder, and what a user takes from a coordinator into his own store."""
        listed = self.shootdown("failures", "list", "--store", self.data, "--json")
        self.assertEqual({r["id"] for r in listed.json()["failures"]}, {r["id"] for r in rows})


class OneMachineAndManyTest(cluster.ClusterTest):
    # Of each check one that breaks soon, on several architectures, and one where nothing does.
    SCENARIOS = (STALE_HIT, LOST_BIT, "7.24-mprotect-batched-reclaim", "W5-publishes-mm-late",
                 "W7-double-drop", "W7-no-drop", "W14-trims-with-irqs-off", CLEAN)

    def test_a_campaign_finds_what_fuzz_finds_on_one_machine(self):
        self.start_server()
        for number in range(2):
            self.start_worker(f"w{number}")
        words = [*self.SCENARIOS, "--runs", 30_000, "--keep-going"]
        campaign = self.create(*words, "--findings-max", 4)
        self.wait_for_campaign(campaign, seconds=120)
        result = self.shootdown("failures", "import", "--coordinator", self.address, "--store",
                                self.store)
        self.assertEqual(result.status, DONE, result.err)
        alone = self.folder / "alone"
        self.fuzz(*words, store=alone)

        def bugs(store):
            rows = self.shootdown("failures", "list", "--store", store, "--json").json()["failures"]
            return {(r["scenario"], r["check"]) for r in rows}

        expected = {row["name"]: row["expected"]
                    for row in self.shootdown("scenarios", "--json").json()["scenarios"]}
        self.assertEqual(bugs(self.store), bugs(alone))
        self.assertEqual(bugs(alone), {(name, expected[name]) for name in self.SCENARIOS
                                             if expected[name] != "clean"})
        self.assertEqual(self.server.stop(), DONE, self.server.said())
        self.assert_merge_in_either_order(alone, self.data)

    def merge(self, other, store):
        result = self.shootdown("failures", "merge", other, "--store", store)
        self.assertEqual(result.status, DONE, result.err)

    def inputs_and_failures(self, store):
        return self.run_program(cli.SURGEON, store, "list", "contents").out.splitlines()

    def assert_merge_in_either_order(self, one, other):
        def contents(store):
            rows = self.shootdown("failures", "list", "--store", store, "--json").json()["failures"]
            for row in rows:
                file = self.folder / "exported"
                self.shootdown("failures", "export", row["id"], "--store", store, "-o", file)
                row["file"] = file.read_text()
            return rows

        first, second = self.folder / "first", self.folder / "second"
        for merged, parts in ((first, (one, other)), (second, (other, one))):
            for part in parts:
                self.merge(part, merged)
        both = contents(first)
        self.assertEqual(both, contents(second))
        self.assertEqual({row["id"] for row in both},
                         {row["id"] for part in (one, other) for row in contents(part)})
        self.assertEqual(self.inputs_and_failures(first), self.inputs_and_failures(second))
        self.assertGreater(len(self.inputs_and_failures(first)), len(both))
        self.merge(second, first)
        self.assertEqual(contents(first), both)
        absent = self.shootdown("failures", "merge", self.folder / "absent", "--store", first)
        self.assert_refused(absent, "absent")

    def test_workers_together_estimate_what_one_process_counts(self):
        # Draws that do not depend on each other, so that it does not matter who makes them.
        words = ["seed-lost-bit-clone", "--runs", 50_000, "--strategy", "pos", "--keep-going"]
        self.start_server()
        for number in range(2):
            self.start_worker(f"w{number}")
        ended = self.wait_for_campaign(self.create(*words), seconds=120)
        alone = self.fuzz(*words, "--json").json()["scenarios"][0]

        for joined in (ended, ended["scenarios"][0]):
            self.assertEqual(joined["behaviours_runs"], 50_000)
            self.assertGreater(joined["behaviours"], 511)  # so it is a sample
            self.assertLess(abs(joined["behaviours"] / alone["behaviours"] - 1), 0.25)
            # Far more than four standard deviations.
            widths = sum(of["new_behaviours_per_run_high"] - of["new_behaviours_per_run_low"]
                         for of in (joined, alone))
            self.assertLess(abs(joined["new_behaviours_per_run"] - alone["new_behaviours_per_run"]),
                            widths)

    def test_a_bug_that_is_found_all_the_time_is_kept_sixteen_times_and_listed_once(self):
        self.start_server()
        self.start_worker()
        self.wait_for_campaign(self.create(STALE_HIT, "--runs", 400_000, "--keep-going"), seconds=120)

        every = self.findings()
        bugs = self.findings("--json")

        m = cluster.messages()
        listed = self.stub("Findings").ListFindings(m.finding_pb2.ListFindingsRequest(page_size=1000))
        kinds = collections.Counter(f.failure.kind_key for f in listed.findings)
        self.assertEqual(max(kinds.values()), 16, kinds)
        self.assertEqual(sum(kinds.values()), len(every))
        self.assertEqual(sorted(r["signature"] for r in bugs), sorted({r["signature"] for r in every}))


if __name__ == "__main__":
    unittest.main()
