"""Whatever is killed, nothing that was said to be stored is lost."""

import os
import random
import select
import signal
import unittest

import cli
from cli import CLEAN, DONE, FINDING, LIMIT, LOST_BIT, OUR_FAULT, STALE_HIT

FOREVER = ["--runs", 2**60]


class KillTest(cli.SystemTest):
    ROUNDS = 24

    def listed(self):
        result = self.shootdown("failures", "list", "--store", self.store, "--json")
        self.assertEqual((result.status, result.err), (DONE, ""))
        return [row["id"] for row in result.json()["failures"]]

    def kill_after(self, lines, delay, seed):
        """Starts a search, and kills it that long after so many lines; all that it has said."""
        said = []
        process = self.start("fuzz", STALE_HIT, LOST_BIT, "seed-stale-hit-3cpu", "seed-lost-bit-3cpu",
                             "seed-stale-hit-4cpu", "seed-lost-bit-4cpu", "--keep-going", "--runs",
                             1500, "--jobs", 2, "--seed", seed, "--store", self.store)
        for line in process.stderr:
            said.append(line)
            if len(cli.stored_ids("".join(said))) >= lines:
                break
        # Waits that long, or until the program ends by itself.
        poll = select.poll()
        watched = cli.watch(process.pid)
        poll.register(watched, select.POLLIN)
        poll.poll(delay)
        os.close(watched)
        children = [cli.watch(child) for child in cli.children_of(process.pid)]
        process.kill()
        said.append(process.communicate()[1])
        for child in children:
            self.assertTrue(cli.has_ended(child, 10), "a search process outlives its parent")
        # A line that was cut short was not said.
        return "".join(said).rpartition("\n")[0]

    def test_what_was_acknowledged_survives_kill_9(self):
        draw = random.Random(1)
        acknowledged = []
        for seed in range(self.ROUNDS):
            acknowledged += cli.stored_ids(
                self.kill_after(draw.randint(1, 4), draw.uniform(0, 60), seed))

            self.assertLessEqual(set(acknowledged), set(self.listed()))

        self.assertGreaterEqual(len(acknowledged), self.ROUNDS)
        env = self.environment(SHOOTDOWN_STORE=str(self.store))
        for failure in self.listed():
            self.assert_replays(failure, env=env)
            self.assertEqual(self.shootdown("failures", "show", failure, env=env).status, DONE)
        self.assertEqual(self.shootdown("doctor", env=env).status, DONE)
        self.assertEqual(self.fuzz(LOST_BIT, "--seed", 1000).status, FINDING)

    def test_a_kill_before_anything_was_stored_leaves_a_store_that_opens(self):
        draw = random.Random(2)
        for _ in range(12):
            process = self.start("fuzz", CLEAN, *FOREVER, "--store", self.store)
            watched = cli.watch(process.pid)
            self.assertFalse(cli.has_ended(watched, draw.uniform(0.001, 0.03)))
            process.kill()
            process.communicate()

        self.assertEqual(self.fuzz(STALE_HIT).status, FINDING)
        self.assertEqual(len(self.listed()), 1)


class InterruptTest(cli.SystemTest):
    def interrupted(self, number, *words):
        """A search that is under way gets that signal; how it ended."""
        process = self.start("fuzz", *words, *FOREVER, "--store", self.store)
        said = ""
        if STALE_HIT in words:
            said = cli.read_until_stored(process)
        else:
            cli.wait_until(lambda: cli.children_of(process.pid), "the search")
        children = [cli.watch(child) for child in cli.children_of(process.pid)]
        process.send_signal(number)
        out, err = process.communicate(timeout=cli.TIMEOUT)
        for child in children:
            self.assertTrue(cli.has_ended(child, 10), "a search process outlives its parent")
        return cli.Result(process.returncode, out, said + err)

    def test_ends_with_a_summary_and_keeps_what_was_found(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number.name):
                result = self.interrupted(number, STALE_HIT, "--keep-going", "--json")

                self.assertEqual(result.status, FINDING, result.err)
                [failure] = cli.stored_ids(result.err)
                [scenario] = result.json()["scenarios"]
                self.assertEqual([f["id"] for f in scenario["findings"]], [failure])
                self.assertRegex(result.err, rf"(?m)^{STALE_HIT}: stale_tlb_use after \d+ runs? ")
                self.assertIn("interrupted; what was found is stored", result.err)
                self.assert_replays(failure,
                                    env=self.environment(SHOOTDOWN_STORE=str(self.store)))

    def test_a_search_without_findings_is_no_answer(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number.name):
                result = self.interrupted(number, CLEAN, "--json")

                self.assertEqual(result.status, LIMIT, result.err)
                self.assertRegex(result.err, rf"(?m)^{CLEAN}: interrupted after \d+ runs? ")
                [scenario] = result.json()["scenarios"]
                self.assertEqual(scenario["verdict"], "interrupted")

    def test_scenarios_after_it_are_not_begun(self):
        result = self.interrupted(signal.SIGINT, CLEAN, LOST_BIT, "--json")

        self.assertEqual([s["name"] for s in result.json()["scenarios"]], [CLEAN])
        self.assertEqual(result.status, LIMIT, result.err)


class CrashTest(cli.SystemTest):
    def test_a_crash_of_a_search_is_our_fault_and_loses_nothing(self):
        kept = self.find(LOST_BIT)
        process = self.start("fuzz", STALE_HIT, "--keep-going", "--jobs", 2, *FOREVER, "--store",
                             self.store)
        said = cli.read_until_stored(process)
        children = cli.children_of(process.pid)
        self.assertEqual(len(children), 2)

        os.kill(children[0], signal.SIGSEGV)

        out, err = process.communicate(timeout=cli.TIMEOUT)
        self.assertEqual((process.returncode, out), (OUR_FAULT, ""), err)
        self.assertRegex(err, r"(?m)^shootdown: this is a fault of ours: .* a process ended with ")
        env = self.environment(SHOOTDOWN_STORE=str(self.store))
        for failure in (kept, *cli.stored_ids(said)):
            self.assert_replays(failure, env=env)


if __name__ == "__main__":
    unittest.main()
