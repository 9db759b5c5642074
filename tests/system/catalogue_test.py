"""`shootdown scenarios --check`: what the catalogue promises, and the table that is made of it."""

import json
import re
import signal
import time
import unittest

import cli
from cli import BAD_INPUT, CLEAN, DONE, FINDING, LIMIT, LOST_BIT, STALE_HIT

BEGIN = "<!-- begin: shootdown scenarios --check --markdown -->"
END = "<!-- end -->"


class CheckTest(cli.SystemTest):
    def check(self, *words, states=1000, **options):
        return self.shootdown("scenarios", "--check", "--states", states, *words, **options)

    def corpus(self, **files):
        """The environment of a corpus of one's own."""
        folder = self.folder / "corpus"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / f"{name}.textproto").write_text(text, encoding="utf-8")
        return self.environment(SHOOTDOWN_CORPUS=str(folder))

    def test_json_of_a_race_and_its_repair(self):
        result = self.check(STALE_HIT, CLEAN, "--seeds", 3, "--runs", 20_000, "--json")

        self.assertEqual((result.status, result.err), (DONE, ""))
        whole = result.json()
        self.assertEqual((whole["seeds"], whole["runs_max"], whole["differ"]), (3, 20_000, 0))
        race, repair = whole["scenarios"]
        self.assertEqual((race["name"], race["verdict"]), (STALE_HIT, "stale_tlb_use"))
        self.assertIs(race["as_expected"], True)
        self.assertEqual([s["seed"] for s in race["searches"]], [1, 2, 3])
        runs = sorted(s["runs"] for s in race["searches"])
        self.assertEqual((race["runs_median"], race["runs_worst"]), (runs[1], runs[2]))
        self.assertEqual(race["minimized_decisions"],
                         min(s["minimized_decisions"] for s in race["searches"]))
        self.assertEqual((repair["name"], repair["verdict"]), (CLEAN, "clean"))
        self.assertEqual([s["runs"] for s in repair["searches"]], [20_000])

    def test_what_no_run_has_done_is_named(self):
        file = self.write("sleeper.textproto", cli.SLEEPER)

        result = self.check(file, STALE_HIT, "--seeds", 1, "--runs", 2000, "--json")
        told = self.check(file, "--runs", 2000)

        sleeper, race = result.json()["scenarios"]
        self.assertEqual(sleeper["never_done"], cli.SLEEPER_NEVER_DONE_JSON)
        self.assertIsNone(race["never_done"])
        for never_done in cli.SLEEPER_NEVER_DONE:
            self.assertIn(f"\nsleeper: none of its runs {never_done}\n", told.out)

    def test_an_interrupted_check_prints_what_it_has(self):
        first = {}
        for more in ([], ["--json"]):
            # A race that is found at once, and a search that does not end by itself.
            words = [STALE_HIT, CLEAN, "--seeds", 1, "--runs", 2**40, "--states", 0, *more]

            def interrupted_after(seconds):
                process = self.start("scenarios", "--check", *words)
                time.sleep(seconds)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=cli.TIMEOUT)
                # Before it listens to signals it dies of one.
                return process.returncode == LIMIT and STALE_HIT in out and (out, err)

            seconds = iter(0.25 * 2**n for n in range(8))
            out, err = cli.wait_until(lambda: interrupted_after(next(seconds)), "a result", 120)
            self.assertIn("interrupted; 1 of 2 scenarios were checked", err)
            self.assertNotIn(CLEAN, out)
            first[len(more)] = out
        whole = json.loads(first[1])
        self.assertEqual((whole["interrupted"], whole["left_out"]), (True, 1))
        self.assertEqual([s["name"] for s in whole["scenarios"]], [STALE_HIT])
        self.assertIs(self.check(STALE_HIT, "--seeds", 1, "--json").json()["interrupted"], False)

    def test_a_search_is_that_of_fuzz(self):
        [race] = self.check(LOST_BIT, "--seeds", 4, "--json").json()["scenarios"]

        for search in race["searches"]:
            [row] = self.fuzz(LOST_BIT, "--seed", search["seed"], "--json").json()["scenarios"]
            [finding] = row["findings"]
            self.assertEqual(search["runs"], finding["found_at_run"])
            self.assertEqual(search["minimized_decisions"], finding["minimized_decisions"])
            self.assertEqual(search["schedule"], finding["schedule"])

    def test_jobs_change_nothing_but_times(self):
        def figures(jobs):
            rows = self.check(STALE_HIT, LOST_BIT, CLEAN, "--seeds", 5, "--runs", 3000,
                              "--jobs", jobs, "--json").json()["scenarios"]
            for row in rows:
                del row["seconds_median"], row["seconds_sum"], row["verified"]["seconds"]
                for search in row["searches"]:
                    del search["seconds"]
            return rows

        self.assertEqual(figures(3), figures(1))

    def test_a_verdict_that_differs_is_told_by_seed(self):
        hopeful = cli.CROSS_CALL.replace('finds: "stale_tlb_use"', "clean: true")
        mistaken = cli.CROSS_CALL.replace('finds: "stale_tlb_use"', 'finds: "deadlock"')
        wishful = cli.CROSS_CALL.replace("tsb_fill = walk_then_lock", "tsb_fill = lock_then_walk")

        for text, verdict, seeds in ((hopeful, "stale_tlb_use", 1), (mistaken, "stale_tlb_use", 2),
                                     (wishful, "clean", 2)):
            with self.subTest(text):
                words = ["--seeds", 2, "--runs", 5000]
                env = self.corpus(one=text)

                result = self.check(*words, "--json", env=env)
                told = self.check(*words, env=env)

                self.assertEqual((result.status, told.status), (FINDING, FINDING))
                [row] = result.json()["scenarios"]
                self.assertIs(row["as_expected"], False)
                self.assertEqual(row["verdict"], verdict)
                self.assertIn(f"DIFFERS: {verdict}", told.out)
                self.assertEqual(len(re.findall(rf"seed \d +{verdict} after \d+", told.out)), seeds)

    def test_a_table_for_people(self):
        result = self.check(STALE_HIT, CLEAN, "--seeds", 2, "--runs", 2000)

        self.assertEqual((result.status, result.err), (DONE, ""))
        title, race, repair = (line.split() for line in result.out.splitlines()[:3])
        self.assertEqual(title[:2], ["scenario", "commit"])
        self.assertEqual(race[0], STALE_HIT)
        self.assertIn("stale_tlb_use", race)
        self.assertIn("found", race)
        self.assertEqual(repair[0], CLEAN)
        self.assertIn("2000", repair)
        self.assertIn("2 scenarios: all as expected.", result.out)

    def test_each_is_proved_as_far_as_states_allow(self):
        rows = self.check(STALE_HIT, CLEAN, "--seeds", 1, "--runs", 2000, "--json",
                          states=30_000).json()["scenarios"]

        race, repair = (row["verified"] for row in rows)
        self.assertEqual((race["verdict"], race["check"]), ("refuted", "stale_tlb_use"))
        self.assertEqual((repair["verdict"], repair["events"]), ("all", 0))
        # A fifth CPU, and no proof within preemptions is tried.
        wide = (cli.CORPUS / "seed-stale-hit-4cpu-fixed.textproto").read_text(encoding="utf-8")
        wide = wide.replace("cpus: 4", "cpus: 5").replace("seed-stale-hit-4cpu-fixed", "wide")
        for name, states, bound, least, env in (
                ("7.28-munlock-vs-oom-reaper-fixed", 5_000, "preemptions", 3, None),
                ("wide", 60_000, "departures", 1, self.corpus(wide=wide))):
            [row] = self.check(name, "--runs", 10, "--json", states=states, env=env).json()["scenarios"]
            self.assertEqual(row["verified"]["verdict"], "bounded")
            self.assertGreaterEqual(row["verified"][bound], least)
        told = self.check(CLEAN, "--runs", 10, states=30_000)
        self.assertRegex(told.out, r"all, [\d,]+ states")
        self.assertIn("Of 1 clean one it proves 1 for all schedules, and 0 for", told.out)

    def test_what_events_would_hide_is_refuted_without_them(self):
        deadlock = "7.35-nohash-context-lock"
        [row] = self.check(deadlock, "--seeds", 1, "--runs", 2000, "--json", states=30_000).json()["scenarios"]

        self.assertEqual((row["verified"]["verdict"], row["verified"]["check"]), ("refuted", "deadlock"))

    def test_no_states_no_proof(self):
        [row] = self.check(CLEAN, "--runs", 10, "--json", states=0).json()["scenarios"]

        self.assertNotIn("verified", row)

    def test_a_proof_that_says_otherwise_differs(self):
        hopeful = cli.CROSS_CALL.replace('finds: "stale_tlb_use"', "clean: true")

        result = self.check("--runs", 1, "--json", env=self.corpus(one=hopeful), states=50_000)

        self.assertEqual(result.status, FINDING, result.err)
        [row] = result.json()["scenarios"]
        self.assertEqual((row["verified"]["verdict"], row["as_expected"]), ("refuted", False))

    def test_wrong_usage(self):
        for words in (["--seeds", "0"], ["--seeds", "x"], ["--runs", "0"], ["--jobs", "0"],
                      [STALE_HIT, "--markdown", "x.md"]):
            with self.subTest(words):
                result = self.check(*words)

                self.assertEqual((result.status, result.out), (BAD_INPUT, ""))
                self.assertIn("--help", result.err)
        self.assert_refused(self.check("nonesuch"), 'found scenario "nonesuch"')
        self.assert_refused(self.check(CLEAN, "./none.textproto"), "none.textproto: No such file")


class MarkdownTest(cli.SystemTest):
    def setUp(self):
        super().setUp()
        (self.folder / "corpus").mkdir()
        text = cli.CROSS_CALL.replace('finds: "stale_tlb_use"',
                                      'finds: "stale_tlb_use" preemptions: 3 note: "One is idle."')
        for name in ("7.10-late", "7.9-early"):
            (self.folder / f"corpus/{name}.textproto").write_text(
                text.replace('"cross-call"', f'"{name}"'), encoding="utf-8")
        self.env = self.environment(SHOOTDOWN_CORPUS=str(self.folder / "corpus"))

    def write_table(self, file):
        return self.shootdown("scenarios", "--check", "--seeds", 2, "--states", 1000, "--markdown", file, env=self.env)

    def test_the_table_stands_between_its_lines_in_natural_order(self):
        file = self.write("x.md", f"# Title\n\n{BEGIN}\nold words\n{END}\n\nmore\n")

        self.assertEqual(self.write_table(file).status, DONE)

        text = file.read_text()
        self.assertTrue(text.startswith(f"# Title\n\n{BEGIN}\n"))
        self.assertTrue(text.endswith(f"{END}\n\nmore\n"))
        self.assertNotIn("old words", text)
        self.assertEqual(re.findall(r"^\| (7\S+) \|", text, re.MULTILINE),
                         ["7.9-early", "7.10-late"])
        self.assertIn("| 3 |", text)
        self.assertIn("- `7.10-late`: One is idle.\n", text)

    def test_writing_it_again_changes_nothing_but_times(self):
        file = self.write("x.md", f"{BEGIN}\n{END}\n")
        times = re.compile(r"\d+\.\d+ (\||s )")
        self.write_table(file)
        first = times.sub("", file.read_text())

        self.write_table(file)

        self.assertEqual(times.sub("", file.read_text()), first)

    def test_a_file_without_the_lines_is_left_alone(self):
        for text in ("", "words\n", f"{BEGIN}\n", f"{END}\n{BEGIN}\n",
                     f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n"):
            with self.subTest(text):
                file = self.write("x.md", text)

                self.assert_refused(self.write_table(file), "x.md: found no place for the table")

                self.assertEqual(file.read_text(), text)
        self.assert_refused(self.write_table("none.md"), "none.md: No such file")


class ReadmeTest(cli.SystemTest):
    def test_the_table_of_the_corpus_is_of_what_is_there(self):
        table = (cli.CORPUS / "README.md").read_text().partition(BEGIN)[2].partition(END)[0]
        rows = [[cell.strip() for cell in line.split("|")[1:-1]]
                for line in table.splitlines() if line.startswith("|")][2:]
        scenarios = self.shootdown("scenarios", "--json").json()["scenarios"]

        self.assertEqual([row[:5] for row in rows],
                         [[s["name"], s["commit"], s["arch"], str(s["cpus"]), s["expected"]]
                          for s in scenarios])
        for row in rows:
            self.assertEqual(row[5], "clean" if row[4] == "clean" else "found", row[0])


class GenerateTest(cli.SystemTest):
    def test_what_is_generated_can_be_searched_and_stays_clean(self):
        for seed in range(5):
            text = self.shootdown("scenarios", "--generate", seed).out
            file = self.write("mine.textproto", text)

            self.assertEqual(self.shootdown("scenarios", "--generate", seed).out, text)
            result = self.fuzz(file, "--runs", 500)

            self.assertEqual(result.status, DONE, result.err)
            self.assertIn(f"generated-{seed}: clean after 500 runs", result.err)

    def test_a_seed_that_is_none(self):
        result = self.shootdown("scenarios", "--generate", "x")

        self.assertEqual((result.status, result.out), (BAD_INPUT, ""))


if __name__ == "__main__":
    unittest.main()
