"""What was found leaves the machine: exported, imported, replayed, stopped in a debugger."""

import json
import re
import shutil
import subprocess
import unittest

import cli
from cli import DONE, LOST_BIT, STALE_HIT


class ExportTest(cli.SystemTest):
    def export(self, failure, name="x.failure"):
        result = self.shootdown("failures", "export", failure, "--store", self.store, "-o", name)
        self.assertEqual(result.status, DONE, result.err)
        return self.folder / name

    def listed(self, store):
        result = self.shootdown("failures", "list", "--store", store, "--json")
        self.assertEqual(result.status, DONE, result.err)
        return result.json()

    def test_a_file_replays_where_nothing_else_is(self):
        path = self.export(self.find())
        empty = self.folder / "empty"
        empty.mkdir()
        shutil.move(path, empty)

        env = self.environment(HOME=None, SHOOTDOWN_CORPUS=None)
        result = self.shootdown("replay", "x.failure", "--json", cwd=empty, env=env)

        self.assertEqual(result.status, DONE, result.err)
        self.assertIs(result.json()["reproduced"], True)
        self.assertEqual([entry.name for entry in empty.iterdir()], ["x.failure"])

    def test_the_file_is_named_after_the_failure_by_default(self):
        failure = self.find()

        self.shootdown("failures", "export", failure, "--store", self.store)

        self.assert_replays(self.folder / f"{failure}.failure")

    def test_another_store_takes_it_in(self):
        failures = [self.find(STALE_HIT), self.find(LOST_BIT)]
        files = [self.export(failure, f"{failure}.failure") for failure in failures]

        for _ in range(2):  # the second time changes nothing
            result = self.shootdown("failures", "import", *files, "--store", "other")
            self.assertEqual((result.status, result.out), (DONE, ""), result.err)

        self.assertEqual(self.listed("other"), self.listed(self.store))
        for failure in failures:
            show = ["failures", "show", failure, "--json", "--store"]
            self.assertEqual(self.shootdown(*show, "other").json(),
                             self.shootdown(*show, self.store).json())
            again = self.shootdown("failures", "export", failure, "--store", "other", "-o", "again")
            self.assertEqual(again.status, DONE)
            self.assertEqual((self.folder / "again").read_bytes(),
                             (self.folder / f"{failure}.failure").read_bytes())

    def test_a_damaged_file_is_refused_wherever_it_is_hit(self):
        path = self.export(self.find())
        whole = path.read_bytes()
        damaged = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:]
                   for at in range(0, len(whole), len(whole) // 40)]
        damaged += [whole[:size] for size in range(0, len(whole), len(whole) // 10)]
        damaged += [whole + b"\n", whole + whole, whole.replace(b"\n", b"\r\n")]
        for number, data in enumerate(damaged):
            with self.subTest(number):
                path.write_bytes(data)

                self.assert_refused(self.shootdown("replay", path), str(path))


class QuestionsTest(cli.SystemTest):
    """What else a failure can be asked."""

    def ask(self, *flags, scenario=STALE_HIT):
        failure = self.find(scenario)
        words = self.shootdown("replay", failure, "--store", self.store, *flags)
        self.assertEqual(words.status, DONE, words.err)
        result = self.shootdown("replay", failure, "--store", self.store, *flags, "--json")
        self.assertEqual(result.status, DONE, result.err)
        return words.out, result.json()

    def test_the_stored_failure_says_that_it_is_the_minimum(self):
        failure = self.find()

        shown = self.shootdown("failures", "show", failure, "--store", self.store)
        as_json = self.shootdown("failures", "show", failure, "--store", self.store, "--json").json()
        replayed = self.shootdown("replay", failure, "--store", self.store, "--json").json()

        self.assertIn("minimum, proven", shown.out)
        for whole in (as_json, replayed):
            self.assertEqual(whole["minimality"], "minimum, proven")
            self.assertGreater(whole["minimality_runs"], 10)

    def test_fewer_runs_prove_less_and_more_runs_prove_it_again(self):
        failure = self.find()
        for runs, wanted in (("1", "1-minimal"), ("100000", "minimum, proven")):
            result = self.shootdown("minimize", failure, "--store", self.store, "--proof-runs", runs,
                                    "-o", f"{runs}.failure")
            self.assertEqual(result.status, DONE, result.err)
            self.assertIn(wanted, result.err)

            shown = self.shootdown("failures", "show", self.folder / f"{runs}.failure", "--json").json()

            self.assertEqual(shown["minimality"], wanted)

    def missing_fence_under_pso(self):
        text = (cli.CORPUS / "W12-no-fence.textproto").read_text(encoding="utf-8")
        return self.write("pso.textproto", text.replace("machine {", "machine { memory_model: PSO"))

    def test_where_no_number_of_runs_proves_the_minimum_more_are_not_asked_for(self):
        said = self.fuzz(self.missing_fence_under_pso()).err

        self.assertRegex(said, r"\n  1-minimal: without any one decision it is gone; that no schedule of fewer "
                               r"decisions fails like this is not proven \(\d+ runs?\)\n")

    def test_this_race_needs_no_store_buffer(self):
        words, whole = self.ask("--needs-store-buffer")

        self.assertIn("not needed", words)
        self.assertEqual(whole["needs_store_buffer"]["answer"], "no")

    def test_a_missing_fence_needs_one(self):
        words, whole = self.ask("--needs-store-buffer", scenario="W12-no-fence")

        self.assertIn("STORE BUFFER  needed", words)
        self.assertIn("runs of switches, and of its other kinds of decisions)", words)
        self.assertEqual(whole["needs_store_buffer"]["answer"], "yes")
        self.assertGreater(whole["needs_store_buffer"]["runs"], 1000)

    def test_one_decision_is_no_plural(self):
        words, _ = self.ask("--needs-store-buffer", scenario="10.10-membarrier-single-user")

        self.assertRegex(words, r"STORE BUFFER  needed: no schedule of at most 1 decision fails")

    def test_the_last_chance_is_a_step_of_the_run(self):
        words, whole = self.ask("--last-chance")

        chance = whole["last_chance"]
        self.assertIs(chance["proved"], True)
        self.assertLess(chance["step"], whole["steps"])
        self.assertIn(f"step {chance['step']}, CPU {chance['at']['cpu']}, {chance['at']['function']}()",
                      words)
        self.assertEqual(chance["varied"], ["step_order"])
        self.assertIn("proved: every order of steps was run; not varied: stores that linger, events from outside", words)

    def test_where_no_number_of_runs_proves_the_last_chance_more_are_not_asked_for(self):
        words, whole = self.ask("--last-chance", scenario=self.missing_fence_under_pso())

        self.assertIs(whole["last_chance"]["proved"], False)
        self.assertIn("(not proved: nobody found one that passes, but not every order was run in which stores "
                      "may leave a buffer)", words)

    def test_a_last_chance_among_stores_that_linger_says_so(self):
        words, whole = self.ask("--last-chance", scenario="7.16-switch-mm-barrier")

        self.assertEqual(whole["last_chance"]["varied"], ["step_order", "store_buffer_drains"])
        self.assertIn("proved: every order of steps, and of stores that linger, was run; not varied: events from outside", words)

    def test_the_neighbour_passes_and_names_the_race(self):
        words, whole = self.ask("--neighbour")

        neighbour = whole["neighbour"]
        first, second = neighbour["reversed"]
        self.assertNotEqual(first["cpu"], second["cpu"])
        self.assertLess(first["step"], second["step"])
        self.assertIn(f"fails: {whole['schedule']}", words)
        self.assertIn(f"passes: {neighbour['schedule']}", words)
        self.assertIn(f">{first['step']} | ", words)
        # Of what both have alike the last steps are enough.
        alike = neighbour["first_difference"]
        self.assertIn(f" | {alike - 6} steps, the same in both ", words)
        self.assertIn(f"\n{alike - 6:5} | ", words)
        self.assertNotIn(f"\n{alike - 7:5} | ", words)

    def test_where_no_neighbour_passes_it_says_which_were_tried(self):
        words, whole = self.ask("--neighbour", scenario="W7-no-drop")

        self.assertIsNone(whole["neighbour"]["schedule"])
        self.assertRegex(words, r"NEIGHBOUR     none: no schedule passes that has one decision less or elsewhere, or "
                                r"one switch more \(\d+ runs\)")

    def test_the_neighbour_has_on_one_line_what_both_runs_do(self):
        words, _ = self.ask("--neighbour")

        step = r" *>?\d+ \| CPU (\d) (\w+)\(\): (\w+) .*"
        pairs = re.findall(rf"^{step}\|{step}$", words, re.M)
        for left, right in ((pair[:3], pair[3:]) for pair in pairs):
            self.assertEqual(left, right)
        # Also behind the flush, for which the one run takes more steps than the other.
        self.assertIn(("0", "put_page", "RW"), {pair[:3] for pair in pairs})

    def test_all_at_once_and_a_budget_that_is_too_small(self):
        words, whole = self.ask("--needs-store-buffer", "--last-chance", "--neighbour",
                                "--search-runs", "2")

        self.assertIs(whole["last_chance"]["proved"], False)
        for word in ("STORE BUFFER", "LAST CHANCE", "NEIGHBOUR"):
            self.assertIn(word, words)

    def test_a_file_without_a_name_is_refused(self):
        failure = self.find()
        for flag in ("--html", "--perfetto"):
            with self.subTest(flag):
                result = self.shootdown("replay", failure, "--store", self.store, flag, "")

                self.assertEqual((result.status, result.out), (cli.BAD_INPUT, ""))
                self.assertIn(f'{flag}: found "", wanted the name of a file', result.err)

    def test_a_budget_of_nothing_is_refused(self):
        for flag, command in (("--search-runs", "replay"), ("--proof-runs", "minimize")):
            for value in ("0", "-1", "many"):
                with self.subTest((flag, value)):
                    result = self.shootdown(command, "x", flag, value)

                    self.assertEqual((result.status, result.out), (cli.BAD_INPUT, ""))
                    self.assertIn(flag, result.err)


class OneFileTest(cli.SystemTest):
    def test_a_trace_stays_whole_where_its_verdict_goes_to_the_same_file(self):
        words = ["replay", self.find(), "--trace", "--store", self.store]
        apart = self.shootdown(*words)
        path = self.folder / "log"
        with path.open("w", encoding="utf-8") as log:
            subprocess.run([cli.BIN / "shootdown", *words], env=self.environment(), stdout=log,
                           stderr=subprocess.STDOUT, timeout=cli.TIMEOUT, check=True)

        self.assertEqual(path.read_text(encoding="utf-8"), apart.out + apart.err)


class NamelessTest(cli.SystemTest):
    """Steps of lambdas: their name would say nothing."""

    def test_they_stand_under_who_runs_them(self):
        failure = self.find("10.6-sh-lazy-return")

        result = self.shootdown("replay", failure, "--store", self.store, "--trace", "--neighbour",
                                "--html", "t.html", "--perfetto", "t.json")

        self.assertEqual(result.status, DONE, result.err)
        self.assertRegex(result.out, r"(?m)\| app$")
        self.assertRegex(result.out, r"CPU \d RW wq->wakeups ")
        events = json.loads((self.folder / "t.json").read_text())["traceEvents"]
        for text in (result.out, (self.folder / "t.html").read_text(), *(e["name"] for e in events)):
            self.assertNotIn("operator()", text)


class WordsTest(cli.SystemTest):
    def trace(self, scenario):
        return self.shootdown("replay", self.find(scenario), "--store", self.store, "--trace").out

    def test_a_cross_call_is_taken_in_no_function_of_its_sender(self):
        lines = self.trace("10.2-tsb-fill-vs-flush").splitlines()

        above = [lines[i - 1] for i, line in enumerate(lines) if "<= takes xcall_" in line]
        self.assertGreater(len(above), 0)
        for line in above:
            self.assertRegex(line, r"\| CPU 1's interrupt handler\s*\Z")

    def test_an_invalidation_says_of_which_tlbs(self):
        broadcast = self.trace("7.15-tlbi-vs-rollover")
        local = self.trace("10.1-wrap-vs-batched-flush")

        self.assertRegex(broadcast, r"(?m) invalidate page [A-H] in every TLB$")
        self.assertRegex(local, r"(?m) demap (page [A-H]|context \d+) in this TLB$")
        for trace in (broadcast, local):
            self.assertNotRegex(trace, r"here\b.* in this TLB")

    def test_a_held_store_says_how_long_it_may_stay(self):
        trace = self.trace("10.10-membarrier-single-user")

        self.assertRegex(trace, r"~hold\(3\) +before step 0 of app: its store stays in the store buffer, "
                                r"for 3 steps more at most -")

    def test_what_is_said_is_no_narrower_than_a_page_where_one_cpu_runs(self):
        trace = self.trace("10.7b-nmi-in-exec")

        self.assertRegex(trace, r"(?m)^-{65}$")  # the table
        self.assertRegex(trace, r"(?m)^T0 is old\. Before step 0 it did: mmap A; touch A; perf_event_open A\.$")
        self.assertNotRegex(trace, r"(?m) $")

    def test_objects_have_the_kernels_names(self):
        trace = self.trace("7.36-s390-proc-reader")

        self.assertRegex(trace, r"rq->curr \[percpu1\] := swapper/1\b")
        self.assertRegex(trace, r"next->active_mm \[swapper/1\] := init_mm\b")
        self.assertNotRegex(trace, r"\bmm0\b|\bswapper\d")


class BreakTest(cli.SystemTest):
    def setUp(self):
        super().setUp()
        self.failure = self.find()
        self.replay = ["replay", self.failure, "--store", self.store]
        self.steps = self.shootdown(*self.replay, "--json").json()["steps"]

    def test_any_step_stops_the_program(self):
        for step in (0, 1, self.steps // 2, self.steps - 1):
            with self.subTest(step):
                result = self.shootdown(*self.replay, "--break-at", step)

                self.assertEqual(cli.end_signal(result), "SIGTRAP", result.err)

    def test_a_step_behind_the_end_is_refused(self):
        result = self.shootdown(*self.replay, "--break-at", self.steps)

        self.assert_refused(result, f"wanted one from 0 to {self.steps - 1}")

    @unittest.skipUnless(shutil.which("gdb"), "gdb is not installed")
    def test_a_debugger_stops_in_the_function_of_that_step(self):
        self.shootdown(*self.replay, "--perfetto", "p.json")
        events = json.loads((self.folder / "p.json").read_text(encoding="utf-8"))["traceEvents"]
        functions = {e["ts"]: e["name"].partition(":")[0] for e in events if e["ph"] == "X"}
        step = next(ts for ts, name in functions.items() if name == "do_munmap")

        result = self.run_program(
            "gdb", "-batch", "-nx", "-iex", "set debuginfod enabled off", "-ex", "run",
            "-ex", "backtrace", "--args", cli.BIN / "shootdown", *self.replay, "--break-at", step)

        text = result.out + result.err
        if "SIGTRAP" not in text and re.search(r"ptrace|not permitted", text):
            self.skipTest("gdb may not trace here")
        self.assertIn("received signal SIGTRAP", text)
        self.assertIn("do_munmap", text)


class MinimizeTest(cli.SystemTest):
    def test_a_schedule_with_noise_shrinks_and_still_replays(self):
        # The first finding of a seed whose schedule as found is longer than the minimized one.
        for seed in range(20):
            row = self.fuzz(LOST_BIT, "--seed", seed, "--json").json()["scenarios"][0]["findings"][0]
            if row["decisions"] > row["minimized_decisions"]:
                break
        else:
            self.fail("no seed found a schedule that was worth minimizing")

        show = self.shootdown("failures", "show", row["id"], "--store", self.store, "--json").json()

        self.assertGreater(len(show["found_schedule"].split()), len(show["schedule"].split()))
        self.assertEqual(len(show["schedule"].split()), show["decisions"])
        self.assert_replays(row["id"], env=self.environment(SHOOTDOWN_STORE=str(self.store)))

    def test_what_the_failure_does_not_need_goes_from_its_scenario(self):
        crowd = "seed-lost-bit-8cpu"
        found = self.fuzz(crowd, "--json")
        [row] = found.json()["scenarios"][0]["findings"]
        words = "2 tasks, 8 operations (of 5 tasks, 19)"
        self.assertIn(words, found.err)
        self.assertEqual((row["tasks"], row["minimized_tasks"]), (5, 2))
        self.assertEqual((row["operations"], row["minimized_operations"]), (19, 8))
        self.assertLessEqual(row["minimized_decisions"], row["decisions"])
        store = ["--store", self.store]

        trace = self.shootdown("replay", row["id"], *store, "--trace")
        show = self.shootdown("failures", "show", row["id"], *store, "--json").json()
        self.shootdown("failures", "export", row["id"], *store, "-o", "x.failure")
        again = self.shootdown("minimize", "x.failure", *store)

        self.assertEqual(trace.status, DONE, trace.err)
        self.assertIn(words, trace.out)
        self.assertNotIn("kworker", trace.out)
        self.assertNotIn("kworker", show["scenario_text"])
        self.assertIn("kworker", show["found_scenario_text"])
        self.assertIn(f'name: "{crowd}"', show["scenario_text"])
        # The file says the same, under the same id.
        self.assertEqual(again.status, DONE, again.err)
        self.assertIn(f"{row['id']}: ", again.err)
        self.assertIn(words, again.err)
        result = self.shootdown("failures", "import", "x.failure", "--store", "other")
        self.assertEqual(result.status, DONE, result.err)
        self.assertEqual(
            self.shootdown("failures", "show", row["id"], "--json", "--store", "other").json(), show)
        self.assert_replays("x.failure")


if __name__ == "__main__":
    unittest.main()
