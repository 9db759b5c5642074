"""`shootdown fuzz --resume`: a search starts from what those before it left in the store."""

import re
import shutil
import unittest

import cli
from cli import CLEAN, DONE, FINDING, LOST_BIT

RESUMES = re.compile(r"^(\S+): resumes from (\d+) inputs, of (\d+) in the store; (\d+) features are known$", re.M)


class ResumeTest(cli.SystemTest):
    def search(self, *words, store="store"):
        """What `fuzz --json` says of one scenario, but for times and places; and what it resumes from."""
        result = self.fuzz(*words, "--json", store=self.folder / store)
        self.assertIn(result.status, (DONE, FINDING), result.err)
        [row] = cli.without_times(result.json())["scenarios"]
        resumed = RESUMES.search(result.err)
        return row, resumed and tuple(map(int, resumed.groups()[1:]))

    def test_the_second_search_knows_what_the_first_one_saw(self):
        for strategy in ("libfuzzer", "surw"):
            with self.subTest(strategy):
                words = [CLEAN, "--strategy", strategy, "--runs", 20_000]
                first, _ = self.search(*words, store=strategy)

                second, resumed = self.search(*words, "--resume", store=strategy)

                seeds, stored, known = resumed
                self.assertEqual((stored, known), (first["corpus"], first["features"]))
                self.assertTrue(0 < seeds <= stored, resumed)
                self.assertEqual((second["resumed_inputs"], second["resumed_features"]), (seeds, known))
                # It goes on from there, and stores only what is new.
                self.assertGreaterEqual(second["features"], first["features"])
                self.assertEqual(second["corpus"] != 0, second["features"] != first["features"])
                self.assertLess(second["corpus"], first["corpus"] / 2)

    def test_it_goes_other_ways_than_the_first_one(self):
        words = [CLEAN, "--runs", 20_000]
        first, _ = self.search(*words)

        second, _ = self.search(*words, "--resume")

        self.assertGreater(second["features"], first["features"])

    def test_it_finds_what_the_first_one_found(self):
        words = [LOST_BIT, "--runs", 20_000, "--keep-going"]
        first, _ = self.search(*words)

        second, _ = self.search(*words, "--resume")

        found = {f["signature"] for f in first["findings"]}
        self.assertTrue(found)
        self.assertLessEqual(found, {f["signature"] for f in second["findings"]})

    def test_equal_stores_and_seeds_give_equal_results(self):
        self.search(CLEAN, "--runs", 20_000, store="one")
        shutil.copytree(self.folder / "one", self.folder / "other")
        words = [CLEAN, "--resume", "--runs", 20_000, "--seed"]

        one = self.search(*words, 5, store="one")

        self.assertEqual(self.search(*words, 5, store="other"), one)
        self.assertNotEqual(self.search(*words, 6, store="other"), one)

    def test_without_it_the_store_changes_nothing(self):
        words = [CLEAN, "--runs", 5000]
        fresh, _ = self.search(*words, store="fresh")
        self.search(CLEAN, "--runs", 5000, "--seed", 9)

        again, resumed = self.search(*words)

        self.assertIsNone(resumed)
        self.assertEqual(again, fresh)

    def test_with_an_empty_store_it_starts_from_nothing(self):
        _, resumed = self.search(CLEAN, "--resume", "--runs", 1000)

        self.assertEqual(resumed, (0, 0, 0))

    def test_inputs_that_add_nothing_are_forgotten(self):
        for seed in range(3):
            self.search(CLEAN, "--runs", 3000, "--seed", seed)
        other, _ = self.search(LOST_BIT, "--runs", 5000, "--keep-going")

        _, (seeds, stored, known) = self.search(CLEAN, "--resume", "--runs", 1)
        _, again = self.search(CLEAN, "--resume", "--runs", 1)

        self.assertLess(seeds, stored / 2)
        self.assertEqual(again, (seeds, seeds, known))
        _, (_, of_the_other, _) = self.search(LOST_BIT, "--resume", "--runs", 1)
        self.assertEqual(of_the_other, other["corpus"])

    def test_jobs_store_what_is_new_to_all_of_them(self):
        one, _ = self.search(CLEAN, "--runs", 20_000, "--jobs", 4)

        _, (_, stored, known) = self.search(CLEAN, "--resume", "--runs", 1)

        self.assertEqual(stored, one["corpus"])
        self.assertGreaterEqual(known, one["features"])  # of the job that has most
        self.assertLessEqual(stored, known)  # each adds a feature at least

    def test_what_a_killed_search_had_found_is_there(self):
        process = self.start("fuzz", CLEAN, "--runs", 2**60, "--store", self.store)
        cli.wait_until(lambda: cli.children_of(process.pid), "the search")
        cli.wait_until(lambda: sum(f.stat().st_size for f in self.store.glob("*.log")) > 20_000, "inputs")
        process.kill()
        process.communicate()

        _, (seeds, _, known) = self.search(CLEAN, "--resume", "--runs", 1000)

        self.assertGreater(seeds, 10)
        self.assertGreater(known, 100)

    def test_more_seeds_than_files_may_be_open(self):
        self.search(CLEAN, "--runs", 20_000)
        words = ["sh", "-c", 'ulimit -n "$0" && exec "$@"']
        program = [str(cli.BIN / "shootdown"), "fuzz", CLEAN, "--resume", "--runs", "1000", "--store",
                   str(self.store)]

        result = self.run_program(words[0], *words[1:], 128, *program)

        self.assertEqual(result.status, DONE, result.err)
        self.assertGreater(int(RESUMES.search(result.err)[2]), 128)


if __name__ == "__main__":
    unittest.main()
