"""`shootdown-fuzz`: a libFuzzer target like any other."""

import unittest

import cli
from cli import CLEAN, STALE_HIT


class FuzzTargetTest(cli.SystemTest):
    def target(self, *words, **options):
        return self.run_program(cli.FUZZ_TARGET, *words, **options)

    def artifacts(self):
        return sorted(path for path in self.folder.iterdir() if path.name.startswith("crash-"))

    def test_help_says_which_flags_are_ours_and_where_libfuzzers_are(self):
        result = self.target("--help")

        self.assertEqual((result.status, result.err), (0, ""))
        for word in ("--scenario=NAME", "--keep-going", "-help=1"):
            self.assertIn(word, result.out)

    def test_libfuzzers_help_is_there(self):
        result = self.target("-help=1")

        self.assertEqual(result.status, 0)
        self.assertIn("-max_total_time", result.out + result.err)

    def test_no_runs_on_an_empty_corpus(self):
        (self.folder / "corpus").mkdir()

        result = self.target("-runs=0", "corpus")

        self.assertEqual(result.status, 0, result.err)
        self.assertEqual(self.artifacts(), [])

    def test_finds_the_race_and_leaves_an_artifact_that_fails_again(self):
        found = self.target(f"--scenario={STALE_HIT}", "-seed=1", "-runs=100000", "-max_len=128")

        self.assertNotEqual(found.status, 0)
        self.assertIn("finding: stale_tlb_use", found.err)
        self.assertIn("BROKEN", found.err)
        [artifact] = self.artifacts()

        again = self.target(f"--scenario={STALE_HIT}", artifact)

        self.assertNotEqual(again.status, 0)
        self.assertIn("finding: stale_tlb_use", again.err)

    def test_the_scenario_may_come_from_the_environment(self):
        env = self.environment(SHOOTDOWN_SCENARIO=CLEAN)

        result = self.target("-seed=1", "-runs=2000", env=env)

        self.assertEqual(result.status, 0, result.err)

    def test_a_scenario_may_be_a_file(self):
        path = self.write("mine.textproto", cli.CROSS_CALL)

        result = self.target(f"--scenario={path}", "-seed=1", "-runs=100000", "-max_len=128")

        self.assertIn("finding: ", result.err)

    def test_goes_on_after_a_finding_when_told_to(self):
        (self.folder / "corpus").mkdir()

        result = self.target(f"--scenario={STALE_HIT}", "--keep-going", "-seed=1", "-runs=20000",
                             "-max_len=128", "corpus")

        self.assertEqual(result.status, 0, result.err)
        self.assertIn("finding: stale_tlb_use", result.err)
        self.assertIn("Done 20000 runs", result.err)
        self.assertGreater(len(list((self.folder / "corpus").iterdir())), 10)
        self.assertEqual(self.artifacts(), [])

    def test_keeps_more_inputs_than_its_counters_have_numbers(self):
        (self.folder / "corpus").mkdir()

        result = self.target("--scenario=7.21-move-pmd-vs-rmap", "--keep-going", "-seed=1", "-runs=150000",
                             "-max_len=128", "corpus")

        self.assertEqual(result.status, 0, result.err)
        # 8 values of 256 counters; libFuzzer keeps some of its own choice besides.
        self.assertGreater(len(list((self.folder / "corpus").iterdir())), 256 * 8 + 100)

    def test_merges_corpora(self):
        for name in ("big", "small"):
            (self.folder / name).mkdir()
        words = [f"--scenario={CLEAN}", "-max_len=128"]
        self.target(*words, "-seed=1", "-runs=5000", "big")

        result = self.target(*words, "-merge=1", "small", "big")

        self.assertEqual(result.status, 0, result.err)
        kept, given = (len(list((self.folder / n).iterdir())) for n in ("small", "big"))
        self.assertGreater(kept, 0)
        self.assertLessEqual(kept, given)

    def test_equal_seeds_give_equal_corpora(self):
        corpora = []
        for name in ("a", "b"):
            (self.folder / name).mkdir()
            self.target(f"--scenario={CLEAN}", "-seed=9", "-runs=5000", "-max_len=128", name)
            corpora.append(sorted(path.name for path in (self.folder / name).iterdir()))

        self.assertEqual(corpora[0], corpora[1])

    def test_inputs_of_any_bytes_are_run(self):
        for number, data in enumerate((b"", b"x", b"\xff" * 4096, bytes(range(256)))):
            path = self.write(f"input{number}", data)
            with self.subTest(number):
                result = self.target(f"--scenario={CLEAN}", path)

                self.assertEqual(result.status, 0, result.err)

    def test_processes_that_libfuzzer_starts_have_the_scenario_too(self):
        # The default scenario, which is broken, would end each of these with a finding.
        for words in (["-jobs=2", "-workers=1"], ["-fork=1"]):
            with self.subTest(words):
                result = self.target(f"--scenario={CLEAN}", *words, "-runs=3000", "-seed=1")

                self.assertEqual(result.status, 0, result.err)
                self.assertEqual(self.artifacts(), [])

    def test_a_crash_is_minimized_by_libfuzzer(self):
        words = ["--scenario=seed-lost-bit", "-max_len=128"]
        self.target(*words, "-seed=1", "-runs=100000")
        [artifact] = self.artifacts()

        result = self.target(*words, "-minimize_crash=1", "-runs=3000", "-seed=1", artifact)

        self.assertNotIn("did not crash", result.err)
        smaller = [path for path in self.folder.iterdir() if path.name.startswith("minimized-from-")]
        self.assertTrue(smaller, result.err)
        for path in smaller:
            self.assertLess(path.stat().st_size, artifact.stat().st_size)

    def test_a_flag_that_nobody_knows_is_refused(self):
        for word in ("--scenari=x", "--scenario", "--keepgoing", "--", "--runs=3"):
            with self.subTest(word):
                result = self.target(word, "-runs=1")

                self.assertEqual(result.status, cli.BAD_INPUT)
                self.assertEqual(len(result.lines()), 1, result.err)
                self.assertIn(f'found "{word}", wanted --scenario=NAME, --keep-going, or ', result.err)

    def test_what_libfuzzer_is_to_ignore_is_ignored(self):
        result = self.target("-runs=1", "-ignore_remaining_args=1", "--any=thing")

        self.assertEqual(result.status, 0, result.err)

    def test_an_unknown_scenario_is_refused(self):
        for words, env in ((["--scenario=nonesuch"], None),
                           ([], self.environment(SHOOTDOWN_SCENARIO="nonesuch"))):
            result = self.target("-runs=1", *words, env=env)

            self.assertEqual(result.status, cli.BAD_INPUT)
            self.assertEqual(result.out, "")
            self.assertEqual(len(result.lines()), 1, result.err)
            self.assertRegex(result.err, r'\Ashootdown-fuzz: found scenario "nonesuch"')


if __name__ == "__main__":
    unittest.main()
