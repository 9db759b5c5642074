"""What scripts rely on: subcommands, exit statuses, JSON keys, and which stream carries what."""

import json
import re
import unittest

import cli
from cli import BAD_INPUT, CLEAN, DONE, FINDING, LOST_BIT, STALE_HIT


class HelpTest(cli.SystemTest):
    COMMANDS = ["scenarios", "fuzz", "verify", "replay", "minimize", "failures", "campaign", "coordinator",
                "doctor"]
    SUBCOMMANDS = {"failures": ["list", "show", "export", "import", "merge"],
                   "campaign": ["create", "list", "show", "watch", "pause", "resume", "stop", "delete"],
                   "coordinator": ["stats", "compact", "backup", "drain"]}

    def test_help_names_every_command(self):
        result = self.shootdown("--help")

        self.assertEqual((result.status, result.err), (DONE, ""))
        for command in self.COMMANDS:
            self.assertIn(command, result.out)

    def test_every_command_has_help(self):
        below = [[command, what] for command, names in self.SUBCOMMANDS.items() for what in names]
        for words in [[command] for command in self.COMMANDS] + below:
            with self.subTest(words):
                result = self.shootdown(*words, "--help")

                self.assertEqual((result.status, result.err), (DONE, ""))
                self.assertIn("Usage: shootdown " + " ".join(words), result.out)

    def test_help_names_the_exit_statuses_of_the_command_and_no_others(self):
        for words, statuses in ((["fuzz"], "01234"), (["verify"], "01234"), (["replay"], "0123"),
                                (["minimize"], "0123"), (["failures", "list"], "023"), (["doctor"], "023"),
                                (["scenarios"], "01234"), (["campaign", "create"], "01234"),
                                (["campaign", "show"], "023"), (["campaign", "watch"], "01234"),
                                (["coordinator", "stats"], "023")):
            with self.subTest(words):
                _, text = self.shootdown(*words, "--help").out.split("Exit status: ")

                self.assertEqual(re.findall(r"(?:\A|;\s+)(\d)\s", text), list(statuses), text)

    def test_help_says_which_store_is_meant_without_one(self):
        for words in (["fuzz"], ["replay"], ["failures", "list"], ["doctor"]):
            with self.subTest(words):
                self.assertIn("default: $SHOOTDOWN_STORE", self.shootdown(*words, "--help").out)

    def test_help_names_the_flags(self):
        flags = {
            "scenarios": ["--json", "--ops", "--check", "--seeds", "--runs", "--states", "--jobs",
                          "--markdown"],
            "verify": ["--preemptions", "--delays", "--events", "--memory-model", "--seconds",
                       "--executions", "--jobs", "--checkpoint", "--store", "--json"],
            "fuzz": ["--runs", "--seconds", "--seed", "--jobs", "--strategy", "--store",
                     "--keep-going", "--json"],
            "replay": ["--trace", "--html", "--perfetto", "--store", "--json"],
            "minimize": ["--store", "-o"],
        }
        for command, names in flags.items():
            text = self.shootdown(command, "--help").out
            for name in names:
                with self.subTest(command=command, flag=name):
                    self.assertIn(name, text)

    def test_version_is_a_number(self):
        result = self.shootdown("--version")

        self.assertEqual(result.status, DONE)
        self.assertRegex(result.out, r"\A\d+\.\d+\.\d+\n\Z")

    def test_no_command_is_wrong_usage(self):
        result = self.shootdown()

        self.assertEqual((result.status, result.out), (BAD_INPUT, ""))
        self.assertIn("subcommand is required", result.err)


class ScenariosTest(cli.SystemTest):
    def test_json_has_a_row_for_every_file(self):
        result = self.shootdown("scenarios", "--json")

        self.assertEqual((result.status, result.err), (DONE, ""))
        rows = result.json()["scenarios"]
        files = cli.in_natural_order(path.stem for path in cli.CORPUS.glob("*.textproto"))
        self.assertEqual([row["name"] for row in rows], files)
        for row in rows:
            self.assertLessEqual({"name", "expected", "summary", "commit"}, row.keys())
            self.assertTrue(row["summary"])

    def test_expected_is_clean_or_a_check(self):
        rows = self.shootdown("scenarios", "--json").json()["scenarios"]
        words = self.shootdown("scenarios", "--ops").out
        checks = {line.split()[1] for line in words.partition("\nchecks")[2].splitlines()[1:]}

        for row in rows:
            self.assertIn(row["expected"], checks | {"clean"})

    def test_a_line_each_for_people(self):
        result = self.shootdown("scenarios")

        self.assertEqual(result.status, DONE)
        self.assertIn(STALE_HIT, [line.split()[0] for line in result.out.splitlines()])

    def test_vocabulary_names_what_the_corpus_uses(self):
        result = self.shootdown("scenarios", "--ops")

        self.assertEqual(result.status, DONE)
        for word in ("munmap PAGE", "sparc64.flush = ", "trim_if_single_user", "stale_tlb_use"):
            self.assertIn(word, result.out)

    def test_a_corpus_of_ones_own(self):
        self.write("mine.textproto", cli.CROSS_CALL)

        env = self.environment(SHOOTDOWN_CORPUS=str(self.folder))
        rows = self.shootdown("scenarios", "--json", env=env).json()["scenarios"]

        self.assertEqual([row["name"] for row in rows], ["cross-call"])


class FuzzTest(cli.SystemTest):
    def test_json_of_a_finding(self):
        result = self.fuzz(STALE_HIT, "--json")

        self.assertEqual(result.status, FINDING)
        [scenario] = result.json()["scenarios"]
        self.assertLessEqual({"name", "expected", "verdict", "runs", "seconds", "runs_per_second",
                              "features", "corpus", "findings", "behaviours",
                              "new_behaviours_per_run", "new_behaviours_per_run_low",
                              "new_behaviours_per_run_high"}, scenario.keys())
        self.assertEqual(scenario["name"], STALE_HIT)
        self.assertEqual(scenario["verdict"], scenario["expected"])
        [finding] = scenario["findings"]
        self.assertLessEqual({"id", "check", "signature", "found_at_run", "decisions",
                              "minimized_decisions", "tasks", "minimized_tasks", "operations",
                              "minimized_operations"}, finding.keys())
        self.assertRegex(finding["id"], r"\A[0-9a-f]{16}\Z")
        self.assertRegex(finding["signature"], r"\A[0-9a-f]{32}\Z")
        self.assertEqual(finding["check"], "stale_tlb_use")
        self.assertLessEqual(finding["minimized_decisions"], finding["decisions"])
        self.assertLessEqual(1, finding["found_at_run"])
        self.assertLessEqual(finding["found_at_run"], scenario["runs"])

    def test_json_of_a_clean_scenario(self):
        result = self.fuzz(CLEAN, "--runs", 2000, "--json")

        self.assertEqual(result.status, DONE)
        [scenario] = result.json()["scenarios"]
        self.assertEqual(scenario["verdict"], "clean")
        self.assertEqual(scenario["runs"], 2000)
        self.assertEqual(scenario["findings"], [])
        self.assertGreater(scenario["features"], 0)
        self.assertGreater(scenario["behaviours"], 10)
        self.assertLessEqual(scenario["behaviours"], 2000)
        self.assertLessEqual(0, scenario["new_behaviours_per_run_low"])
        self.assertLess(scenario["new_behaviours_per_run_low"], scenario["new_behaviours_per_run"])
        self.assertLess(scenario["new_behaviours_per_run"], scenario["new_behaviours_per_run_high"])
        self.assertLessEqual(scenario["new_behaviours_per_run_high"], 1)

    def test_one_of_a_kind_is_no_plural_and_one_run_estimates_nothing(self):
        result = self.fuzz("7.2-own-exit-irqs-on")  # fails in the default order

        self.assertEqual(result.status, FINDING)
        self.assertRegex(result.err, r"(?m)^7\.2-own-exit-irqs-on: mm_switch_irqs_on after 1 run in ")
        self.assertNotIn("behaviour", result.err)

    def test_another_finding_than_the_expected_one_says_how_to_look_past_it(self):
        text = (cli.CORPUS / "seed-stale-hit.textproto").read_text(encoding="utf-8")
        [off] = re.findall(r"checks \{.*\}\n", text)
        every = self.write("every.textproto", text.replace(off, ""))

        result = self.fuzz(every)

        self.assertEqual(result.status, FINDING)
        self.assertRegex(result.err, r'; the scenario expects stale_tlb_use: checks \{ off: "cpumask_\w+" \} '
                                     r"in its file looks past this\n")

    def test_words_for_people_say_where_the_finding_is(self):
        result = self.fuzz(STALE_HIT)

        self.assertEqual((result.status, result.out), (FINDING, ""))
        [failure] = cli.stored_ids(result.err)
        self.assertIn(f"shootdown replay {failure} --trace --store {self.store}", result.err)

    def test_words_for_people_are_on_standard_error_with_json_too(self):
        result = self.fuzz(STALE_HIT, "--json")

        self.assertEqual(cli.stored_ids(result.err),
                         [result.json()["scenarios"][0]["findings"][0]["id"]])

    def test_several_scenarios_in_the_order_given(self):
        names = [LOST_BIT, CLEAN, STALE_HIT]

        result = self.fuzz(*names, "--runs", 5000, "--json")

        self.assertEqual(result.status, FINDING)
        scenarios = result.json()["scenarios"]
        self.assertEqual([s["name"] for s in scenarios], names)
        self.assertEqual([s["verdict"] for s in scenarios],
                         ["stale_tlb_use", "clean", "stale_tlb_use"])

    def test_a_scenario_may_be_a_file(self):
        path = self.write("mine.textproto", cli.CROSS_CALL)

        result = self.fuzz(path, "--json")

        self.assertEqual(result.status, FINDING)
        self.assertEqual(result.json()["scenarios"][0]["name"], "cross-call")

    def test_stops_at_the_first_finding(self):
        [scenario] = self.fuzz(STALE_HIT, "--runs", 50_000, "--json").json()["scenarios"]

        self.assertEqual(len(scenario["findings"]), 1)
        self.assertEqual(scenario["runs"], scenario["findings"][0]["found_at_run"])

    def test_keeps_going_when_told_to(self):
        path = self.write("mine.textproto", cli.CROSS_CALL)

        result = self.fuzz(path, "--runs", 20_000, "--keep-going", "--json")

        [scenario] = result.json()["scenarios"]
        self.assertEqual(result.status, FINDING)
        self.assertEqual(scenario["runs"], 20_000)
        signatures = [f["signature"] for f in scenario["findings"]]
        self.assertGreater(len(signatures), 1)
        self.assertEqual(len(signatures), len(set(signatures)), "one bug was reported twice")

    def test_seconds_end_a_search(self):
        [scenario] = self.fuzz(CLEAN, "--seconds", 1, "--json").json()["scenarios"]

        self.assertGreater(scenario["runs"], 0)
        self.assertLess(scenario["seconds"], 10)

    def test_the_store_may_come_from_the_environment(self):
        env = self.environment(SHOOTDOWN_STORE=str(self.folder / "elsewhere"))

        self.shootdown("fuzz", STALE_HIT, env=env)

        self.assertTrue((self.folder / "elsewhere/SHOOTDOWN-STORE").exists())
        self.assertFalse((self.folder / "home").exists())

    def test_the_store_is_in_the_home_folder_by_default(self):
        self.shootdown("fuzz", STALE_HIT)

        self.assertTrue(
            (self.folder / "home/.local/share/shootdown/store/SHOOTDOWN-STORE").exists())


class FailuresTest(cli.SystemTest):
    def test_json_of_the_list(self):
        failure = self.find()

        result = self.shootdown("failures", "list", "--store", self.store, "--json")

        self.assertEqual((result.status, result.err), (DONE, ""))
        [row] = result.json()["failures"]
        self.assertLessEqual({"id", "scenario", "check", "signature", "state", "decisions"},
                             row.keys())
        self.assertEqual(row["id"], failure)
        self.assertEqual(row["scenario"], STALE_HIT)
        self.assertEqual(row["state"], "minimized")

    def test_the_list_for_people_has_a_line_each(self):
        failures = sorted(self.find(name) for name in (STALE_HIT, LOST_BIT))

        result = self.shootdown("failures", "list", "--store", self.store)

        titles, *rows = result.out.splitlines()
        self.assertEqual(titles.split(), ["id", "scenario", "check", "state", "failures", "decisions", "schedule"])
        self.assertEqual([row.split()[0] for row in rows], failures)
        # In columns.
        self.assertEqual({row.index("stale_tlb_use") for row in rows}, {titles.index("check")})

    def test_a_bug_found_twice_is_one_line_for_people(self):
        found = set()
        seeds = iter(range(1, 20))
        while len(found) < 2:
            found.add(self.find(seed=next(seeds)))
        found = sorted(found)
        other = self.find(LOST_BIT)
        listing = ["failures", "list", "--store", self.store]

        rows = {row.split()[0]: row.split()[4] for row in self.shootdown(*listing).out.splitlines()[1:]}
        every = [row.split()[0] for row in self.shootdown(*listing, "--all").out.splitlines()[1:]]

        self.assertEqual(rows, {found[0]: "2", other: "1"})
        self.assertEqual(every, sorted([*found, other]))
        self.assertEqual([row["id"] for row in self.shootdown(*listing, "--json").json()["failures"]], every)

    def test_show_gives_proof_and_scenario(self):
        failure = self.find()

        result = self.shootdown("failures", "show", failure, "--store", self.store, "--json")

        self.assertEqual((result.status, result.err), (DONE, ""))
        whole = result.json()
        self.assertEqual(whole["id"], failure)
        self.assertEqual(len(whole["proof"]), whole["decisions"])
        for step in whole["proof"]:
            self.assertNotEqual(step["verdict"], "the same failure")
        self.assertIn(f'name: "{STALE_HIT}"', whole["scenario_text"])
        parts = [step["without"] for step in whole["scenario_proof"]]
        self.assertEqual(parts[-2:], ["task app", "task sq"])
        self.assertIn("app: munmap A", parts)

    def test_show_for_people(self):
        failure = self.find()

        result = self.shootdown("failures", "show", failure, "--store", self.store)

        self.assertEqual(result.status, DONE)
        for word in (failure, "broken", "why", "without", STALE_HIT):
            self.assertIn(word, result.out)

    def test_the_start_of_an_id_is_enough(self):
        failure = self.find()

        self.assert_replays(failure[:4], env=self.environment(SHOOTDOWN_STORE=str(self.store)))

    def test_finding_it_again_stores_it_once(self):
        self.assertEqual(self.find(), self.find())

        result = self.shootdown("failures", "list", "--store", self.store, "--json")
        self.assertEqual(len(result.json()["failures"]), 1)


class ReplayTest(cli.SystemTest):
    def test_json(self):
        failure = self.find()

        result = self.shootdown("replay", failure, "--store", self.store, "--json")

        self.assertEqual(result.status, DONE)
        whole = result.json()
        self.assertLessEqual({"id", "reproduced", "check", "signature", "steps", "trace_hash",
                              "decisions", "tasks", "operations"}, whole.keys())
        self.assertEqual(whole["id"], failure)
        self.assertIs(whole["reproduced"], True)
        self.assertEqual(whole["trace_hash"], whole["expected_trace_hash"])
        self.assertEqual(whole["check"], "stale_tlb_use")
        self.assertRegex(whole["trace_hash"], r"\A[0-9a-f]{32}\Z")

    def test_the_trace_is_for_people(self):
        failure = self.find()

        plain = self.shootdown("replay", failure, "--store", self.store, "--trace")
        with_json = self.shootdown("replay", failure, "--store", self.store, "--trace", "--json")

        for word in ("CPU 0", "CPU 1", "BROKEN", "WHY", "munmap"):
            self.assertIn(word, plain.out)
        self.assertIs(with_json.json()["reproduced"], True)
        self.assertIn("BROKEN", with_json.err)


class MinimizeTest(cli.SystemTest):
    def test_what_is_minimal_stays_as_it_is(self):
        failure = self.find()
        show = ["failures", "show", failure, "--store", self.store, "--json"]
        before = self.shootdown(*show).json()

        result = self.shootdown("minimize", failure, "--store", self.store)

        self.assertEqual((result.status, result.out), (DONE, ""))
        self.assertEqual(self.shootdown(*show).json(), before)

    def test_a_file_in_place_of_the_store(self):
        failure = self.find()

        result = self.shootdown("minimize", failure, "--store", self.store, "-o", "small.failure")

        self.assertEqual(result.status, DONE)
        self.assert_replays("small.failure", env=self.environment(HOME=None))


class DoctorTest(cli.SystemTest):
    def test_a_fit_machine(self):
        result = self.shootdown("doctor", "--store", self.store)

        self.assertEqual(result.status, DONE, result.out)
        self.assertIn("this machine is fit", result.out)
        self.assertNotIn("BAD", result.out)
        self.assertFalse(self.store.exists(), "doctor only looks")

    def test_what_is_stored_is_counted(self):
        self.find()

        result = self.shootdown("doctor", "--store", self.store)

        self.assertEqual(result.status, DONE, result.out)
        self.assertIn(" 1 failure in the store, 0 damaged\n", result.out)

    def test_a_folder_that_cannot_be_written_is_not_called_writable(self):
        result = self.shootdown("doctor", "--store", "/proc/shootdown")  # not even for root

        self.assertEqual(result.status, cli.OUR_FAULT)
        self.assertRegex(result.out, r"(?m)^BAD +the store's folder /proc/shootdown cannot be written$")

    def test_a_damaged_store_is_named(self):
        self.find()
        (self.store / "CURRENT").unlink()

        result = self.shootdown("doctor", "--store", self.store)

        self.assertEqual(result.status, cli.OUR_FAULT)
        self.assertRegex(result.out, r"BAD .*CURRENT is missing")


class StreamsTest(cli.SystemTest):
    def test_json_is_one_object_and_ends_its_line(self):
        failure = self.find()
        store = ["--store", self.store]
        for words in (["scenarios"], ["fuzz", STALE_HIT, *store], ["fuzz", CLEAN, "--runs", 100, *store],
                      ["replay", failure, *store], ["failures", "list", *store],
                      ["failures", "show", failure, *store]):
            with self.subTest(words[0]):
                text = self.shootdown(*words, "--json").out

                self.assertIsInstance(json.loads(text), dict)
                self.assertTrue(text.endswith("}\n"))

    def test_no_progress_line_in_a_pipe(self):
        result = self.fuzz(CLEAN, "--runs", 50_000)

        self.assertNotRegex(result.err, r"[\r\x1b]")
        self.assertNotIn(" left", result.err)

    def test_a_full_standard_output_is_said(self):
        for words in (["scenarios"], ["scenarios", "--json"],
                      ["fuzz", CLEAN, "--runs", 100, "--store", self.store, "--json"]):
            with self.subTest(words), open("/dev/full", "w", encoding="utf-8") as full:
                result = self.shootdown(*words, stdout=full)

                self.assertEqual(result.status, cli.OUR_FAULT)
                self.assertRegex(result.err, r"(?m)^shootdown: .*standard output")


if __name__ == "__main__":
    unittest.main()
