"""`shootdown fuzz`: equal seeds give equal results, and each strategy finds what is there."""

import unittest

import cli
from cli import CLEAN, DONE, FINDING, LOST_BIT, STALE_HIT

FOUR_CPUS = "seed-stale-hit-4cpu"
STRATEGIES = ("libfuzzer", "random", "random-walk", "pct:3", "pos", "pos-eager", "urw", "surw",
              "preemptions:2", "delays:3", "race-reversal")
# Uniform over steps: they hardly ever let a CPU run as long as these races need.
UNIFORM = ("random-walk", "urw")


class SearchTest(cli.SystemTest):
    def search(self, *words, store="store"):
        """What `fuzz --json` says, but for times and places."""
        result = self.fuzz(*words, "--json", store=self.folder / store)
        self.assertIn(result.status, (DONE, FINDING), result.err)
        return cli.without_times(result.json())

    def test_equal_seeds_and_runs_give_equal_results(self):
        words = [STALE_HIT, LOST_BIT, "--seed", 7, "--runs", 20_000, "--keep-going"]
        first = self.search(*words, store="first")

        again = self.search(*words, store="second")
        self.search(FOUR_CPUS, "--seed", 3, "--runs", 5000, store="second")
        after_another = self.search(*words, store="second")
        with_one_job = self.search(*words, "--jobs", 1, store="third")

        self.assertEqual(again, first)
        self.assertEqual(after_another, first)
        self.assertEqual(with_one_job, first)

    def test_what_no_run_has_done_is_named(self):
        file = self.write("sleeper.textproto", cli.SLEEPER)
        for jobs in (1, 3):
            with self.subTest(jobs=jobs):
                result = self.fuzz(file, "--runs", 500, "--jobs", jobs, "--json")

                self.assertEqual(result.status, DONE, result.err)
                for never_done in cli.SLEEPER_NEVER_DONE:
                    self.assertIn(f"\n  none of these runs {never_done}\n", result.err)
                self.assertEqual(result.json()["scenarios"][0]["never_done"], cli.SLEEPER_NEVER_DONE_JSON)

    def test_what_some_run_of_any_job_has_done_is_not(self):
        file = self.write("awake.textproto", cli.SLEEPER.replace("wake other", "wake q"))

        result = self.fuzz(file, "--runs", 500, "--jobs", 3, "--json")

        self.assertEqual(result.status, DONE, result.err)
        self.assertEqual(result.json()["scenarios"][0]["never_done"], [])
        self.assertNotIn("none of these runs", result.err)

    def test_runs_that_end_in_a_finding_say_nothing_of_what_they_have_not_done(self):
        result = self.fuzz(STALE_HIT, "--keep-going", "--runs", 500, "--json")

        self.assertEqual(result.status, FINDING, result.err)
        self.assertIsNone(result.json()["scenarios"][0]["never_done"])
        self.assertNotIn("none of these runs", result.err)

    def test_results_do_not_depend_on_the_scenarios_before(self):
        words = ["--seed", 11, "--runs", 10_000, "--keep-going"]
        alone = self.search(LOST_BIT, *words, store="alone")

        both = self.search(FOUR_CPUS, LOST_BIT, *words, store="both")

        self.assertEqual(both["scenarios"][1], alone["scenarios"][0])

    def test_results_do_not_depend_on_the_environment(self):
        words = ["fuzz", STALE_HIT, "--seed", 5, "--json", "--store", self.store]
        first = self.shootdown(*words)

        other = self.shootdown(*words, env=self.environment(LC_ALL="C", COLUMNS="20", PAD="x" * 9999))

        self.assertEqual(cli.without_times(other.json()), cli.without_times(first.json()))

    def test_a_search_that_stops_at_a_finding_is_equal_too(self):
        for seed in range(5):
            with self.subTest(seed=seed):
                words = [LOST_BIT, "--seed", seed]
                self.assertEqual(self.search(*words), self.search(*words))

    def test_other_seeds_go_other_ways(self):
        runs = {self.search(LOST_BIT, "--seed", seed)["scenarios"][0]["runs"] for seed in range(5)}

        self.assertGreater(len(runs), 1)

    def test_every_seed_finds_each_race(self):
        for seed in range(3):
            for scenario in (STALE_HIT, LOST_BIT, FOUR_CPUS):
                with self.subTest(scenario, seed=seed):
                    [row] = self.search(scenario, "--seed", seed)["scenarios"]
                    self.assertEqual(row["verdict"], "stale_tlb_use")

    def test_every_strategy_finds_and_is_deterministic(self):
        for strategy in STRATEGIES:
            with self.subTest(strategy):
                words = [STALE_HIT, "--strategy", strategy, "--seed", 2]
                if strategy in UNIFORM:
                    words += ["--runs", 5000]

                first = self.search(*words)

                wanted = "clean" if strategy in UNIFORM else "stale_tlb_use"
                self.assertEqual(first["scenarios"][0]["verdict"], wanted)
                self.assertEqual(self.search(*words), first)

    def test_what_a_strategy_found_is_minimized_and_replays(self):
        self.search(STALE_HIT, "--strategy", "pos", store="store")
        [failure] = self.shootdown("failures", "list", "--json", "--store",
                                   self.folder / "store").json()["failures"]

        replayed = self.shootdown("replay", failure["id"], "--store", self.folder / "store", "--json")

        self.assertEqual(replayed.status, DONE)
        self.assertTrue(replayed.json()["reproduced"])
        self.assertLess(failure["decisions"], 8)

    def test_clean_scenarios_stay_clean_under_every_strategy(self):
        for strategy in STRATEGIES:
            with self.subTest(strategy):
                [row] = self.search(CLEAN, "--strategy", strategy, "--runs", 10_000)["scenarios"]
                self.assertEqual((row["verdict"], row["runs"]), ("clean", 10_000))

    def test_jobs_share_the_runs(self):
        [row] = self.search(CLEAN, "--jobs", 3, "--runs", 10_000)["scenarios"]

        self.assertEqual((row["verdict"], row["runs"]), ("clean", 10_000))

    def test_fewer_runs_than_jobs_end(self):
        [row] = self.search(CLEAN, "--jobs", 3, "--runs", 2)["scenarios"]

        self.assertLessEqual(row["runs"], 9)  # libFuzzer begins with a run or two of its own

    def test_more_runs_than_libfuzzer_counts_do_not_end_at_once(self):
        for runs in (2**31, 2**32, 2**32 + 1, 2**60):
            with self.subTest(runs):
                [row] = self.search(STALE_HIT, "--runs", runs)["scenarios"]
                self.assertEqual(row["verdict"], "stale_tlb_use")

    def test_jobs_are_merged_in_the_same_order_every_time(self):
        words = [LOST_BIT, "--runs", 12_000, "--seed", 7, "--jobs", 3]

        for _ in range(3):
            self.assertEqual(self.search(*words, "--keep-going"), self.search(*words, "--keep-going"))

        def until_found():
            [row] = self.search(*words)["scenarios"]
            # Of the moment at which the other jobs were stopped.
            for key in [key for key in row if "behaviours" in key] + ["features"]:
                del row[key]
            return row

        first = until_found()
        self.assertEqual(len(first["findings"]), 1)
        for _ in range(3):
            self.assertEqual(until_found(), first)

    def test_jobs_find_what_one_job_finds(self):
        words = [LOST_BIT, "--keep-going", "--runs", 20_000, "--seed", 4]

        one = self.search(*words)["scenarios"][0]["findings"]
        three = self.search(*words, "--jobs", 3)["scenarios"][0]["findings"]

        self.assertEqual({f["signature"] for f in three}, {f["signature"] for f in one})

    def test_findings_beyond_enough_of_one_kind_are_counted(self):
        words = [STALE_HIT, "--keep-going", "--runs"]

        few = self.fuzz(*words, 300, "--json")
        many = self.fuzz(*words, 20_000, "--json")

        [row] = few.json()["scenarios"]
        self.assertEqual((row["verdict"], row["findings_passed_over"]), ("stale_tlb_use", 0))
        self.assertNotIn("passed over", few.err)
        [row] = many.json()["scenarios"]
        self.assertGreater(row["findings_passed_over"], 0)
        self.assertIn(f" {row['findings_passed_over']} more findings were passed over", many.err)

    def test_jobs_together_saw_what_one_job_sees(self):
        # Draws that do not depend on each other, so that it does not matter who makes them.
        def behaviours(runs, jobs):
            [row] = self.search("seed-lost-bit-clone", "--strategy", "pos", "--keep-going", "--runs",
                                runs, "--jobs", jobs)["scenarios"]
            return row["behaviours"]

        one, third = behaviours(30_000, 1), behaviours(10_000, 1)
        self.assertLess(third, 0.7 * one)
        self.assertLess(abs(behaviours(30_000, 3) / one - 1), 0.2)

    def test_equal_bugs_of_other_seeds_have_equal_signatures(self):
        for scenario in (STALE_HIT, LOST_BIT):
            rows = [self.search(scenario, "--seed", s)["scenarios"][0] for s in range(5)]
            signatures = {row["findings"][0]["signature"] for row in rows}

            self.assertEqual(len(signatures), 1, scenario)


if __name__ == "__main__":
    unittest.main()
