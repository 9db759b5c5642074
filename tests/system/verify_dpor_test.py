"""`verify --engine dpor`: another way through all schedules, which must come to the same."""

import os
import signal
import subprocess
import time
import unittest

import cli
from cli import BAD_INPUT, BIN, CLEAN, DONE, FINDING, LIMIT, OUR_FAULT

# Small in orders as well: right ones, and wrong ones that an order of steps alone breaks.
RIGHT = (CLEAN, "W7-no-grab-fixed", "W14-trims-with-irqs-off-fixed", "W16-lazy-cpus-skipped-fixed",
         "7.18-lazy-tlb-no-ipi-fixed", "seed-stale-hit-vhost")
WRONG = ("seed-lost-bit", "seed-stale-hit", "W1-flusher-resets-mask", "W7-no-grab", "W7-double-drop",
         "W14-trims-with-irqs-off", "W15-counted-twice", "W16-lazy-cpus-skipped",
         "7.3-use-mm-vs-invalidate")


# Some seconds: time to be killed in, and to come to the end after that; and more than anybody waits for.
LONG = ("seed-lost-bit-fixed", "--engine", "dpor", "--memory-model", "sc")
ENDLESS = ("seed-lost-bit-fixed", "--engine", "dpor", "--memory-model", "tso")


class VerifyDporTest(cli.SystemTest):
    def verify(self, *args):
        return self.shootdown("verify", *args, "--store", self.store, "--json")

    def proof(self, result):
        """Its certificate, but for the time that it took."""
        [proof] = result.json()["scenarios"]
        del proof["seconds"]
        return proof

    def test_it_proves_what_a_search_over_states_proves(self):
        for model in "sc", "tso":
            for name in RIGHT:
                with self.subTest(scenario=name, model=model):
                    orders = self.verify(name, "--engine", "dpor", "--memory-model", model)
                    states = self.verify(name, "--memory-model", model)

                    self.assertEqual((orders.status, states.status), (DONE, DONE), orders.err + states.err)
                    ours, theirs = (r.json()["scenarios"][0] for r in (orders, states))
                    for word in "verdict", "complete", "model", "scenario_hash", "checks", "never_done":
                        self.assertEqual(ours[word], theirs[word])
                    self.assertEqual((ours["engine"], theirs["engine"]), ("dpor", "states"))
                    self.assertGreater(ours["classes"], 0)
                    self.assertIn("classes", orders.err)

    def test_it_refutes_what_a_search_over_states_refutes_and_that_replays(self):
        for model in "sc", "tso":
            for name in WRONG:
                with self.subTest(scenario=name, model=model):
                    result = self.verify(name, "--engine", "dpor", "--memory-model", model)

                    self.assertEqual(result.status, FINDING, result.err)
                    states = self.verify(name, "--memory-model", model)
                    self.assertEqual(states.status, FINDING, states.err)
                    finding = result.json()["scenarios"][0]["finding"]
                    replayed = self.shootdown("replay", finding["id"], "--store", self.store)
                    self.assertEqual(replayed.status, DONE, replayed.err)

    def test_an_event_makes_the_same_difference_as_to_a_search_over_states(self):
        for name, events, status in (("10.10-membarrier-single-user-fixed", 1, DONE), ("W11-does-not-wait", 0, DONE),
                                     ("W11-does-not-wait", 1, FINDING), ("7.10-lazy-mmu-preempted", 1, FINDING)):
            with self.subTest(scenario=name, events=events):
                words = [name, "--memory-model", "sc", "--events", events]
                orders, states = self.verify(*words, "--engine", "dpor"), self.verify(*words)

                self.assertEqual((orders.status, states.status), (status, status), orders.err + states.err)
                ours, theirs = (r.json()["scenarios"][0] for r in (orders, states))
                for word in "verdict", "bound", "varied", "not_varied":
                    self.assertEqual(ours[word], theirs[word])
                if status == FINDING:
                    replayed = self.shootdown("replay", ours["finding"]["id"], "--store", self.store)
                    self.assertEqual(replayed.status, DONE, replayed.err)

    def test_eight_cpus_are_no_more_to_refute_than_two(self):
        few, many = (self.verify(f"seed-stale-hit{cpus}", "--engine", "dpor", "--memory-model", "sc")
                     for cpus in ("", "-8cpu"))

        self.assertEqual((few.status, many.status), (FINDING, FINDING), few.err + many.err)
        runs = [r.json()["scenarios"][0]["executions"] for r in (few, many)]
        self.assertLess(runs[1], 10 * runs[0])

    def test_its_certificate_is_the_same_each_time(self):
        proofs = [self.proof(self.verify(CLEAN, "--engine", "dpor")) for _ in range(2)]

        self.assertEqual(proofs[0], proofs[1])

    def test_its_certificate_does_not_depend_on_the_number_of_jobs(self):
        for name, model, events in (("seed-stale-hit-fixed", "sc", 0), ("W16-lazy-cpus-skipped-fixed", "sc", 0),
                                    ("10.10-membarrier-single-user-fixed", "sc", 1),
                                    ("W14-trims-with-irqs-off-fixed", "tso", 0)):
            words = [name, "--engine", "dpor", "--memory-model", model, "--events", events]
            alone, *together = (self.proof(self.verify(*words, "--jobs", jobs)) for jobs in (1, 2, 3, 7))

            self.assertEqual(alone["verdict"], "clean")
            for proof in together:
                self.assertEqual(proof, alone)

    def test_several_jobs_find_what_one_does_and_that_replays(self):
        for name in "seed-stale-hit", "seed-lost-bit", "7.3-use-mm-vs-invalidate":
            words = [name, "--engine", "dpor", "--memory-model", "sc"]
            alone, together = (self.verify(*words, "--jobs", jobs) for jobs in (1, 3))

            self.assertEqual(together.status, FINDING, together.err)
            self.assertEqual(self.proof(together), self.proof(alone))
            finding = self.proof(together)["finding"]
            self.assertEqual(self.shootdown("replay", finding["id"], "--store", self.store).status, DONE)

    def test_a_job_that_dies_ends_the_proof_with_words(self):
        file = self.folder / "proof"
        process = self.start("verify", *ENDLESS, "--jobs", "2", "--checkpoint", file, "--store", self.store)
        cli.wait_until(lambda: file.exists() or process.poll() is not None, "a checkpoint")
        [child] = cli.children_of(process.pid)

        os.kill(child, signal.SIGKILL)
        _, err = process.communicate(timeout=30 * cli.PATIENCE)

        self.assertEqual(process.returncode, OUR_FAULT, err)
        self.assertIn("job 1 of the proof has died", err)

    def test_a_proof_goes_on_after_kills_with_whatever_number_of_jobs(self):
        file = self.folder / "proof"
        whole = self.proof(self.verify(*LONG))
        kills = 0
        for jobs in 1, 3, 1, 2:
            before = file.read_bytes() if file.exists() else None
            process = self.start("verify", *LONG, "--jobs", jobs, "--checkpoint", file, "--store", self.store,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None and not (file.exists() and file.read_bytes() != before):
                time.sleep(0.01 * (1 + kills))
            process.kill()
            kills += process.wait() == -signal.SIGKILL
            if not file.exists():  # it was fast, and came to its end
                break
        self.assertGreater(kills, 0)

        result = self.verify(*LONG, "--checkpoint", file)

        self.assertEqual(result.status, DONE, result.err)
        self.assertFalse(file.exists())
        self.assertEqual(self.proof(result), whole)

    def test_a_proof_gets_on_by_as_many_runs_each_time(self):
        file = self.folder / "proof"
        words = ["seed-stale-hit-fixed", "--engine", "dpor", "--memory-model", "sc"]
        whole = self.proof(self.verify(*words))
        made = []
        while not made or result.status == LIMIT:
            result = self.verify(*words, "--checkpoint", file, "--executions", "700")
            proof = self.proof(result)
            made.append(proof["executions"] + proof["blocked"])

        self.assertEqual(result.status, DONE, result.err)
        self.assertGreater(len(made), 2)
        self.assertEqual(made[:-1], [700 * (i + 1) for i in range(len(made) - 1)])
        self.assertEqual(proof, whole)

    def test_a_limit_says_where_the_proof_is_kept(self):
        file = self.folder / "proof"

        result = self.verify(CLEAN, "--engine", "dpor", "--executions", "10", "--checkpoint", file)

        self.assertEqual(result.status, LIMIT, result.err)
        self.assertIn(f"\n  kept in {file}: the same command goes on from here\n", result.err)

    def test_the_checkpoint_of_another_proof_is_refused(self):
        file = self.folder / "proof"
        words = ["--engine", "dpor", "--executions", "100", "--checkpoint", file]
        self.assertEqual(self.verify(CLEAN, "--memory-model", "sc", *words).status, LIMIT)
        kept = file.read_bytes()

        def assert_refused(said, *args):
            result = self.verify(*args)
            self.assertEqual(result.status, BAD_INPUT, result.err)
            self.assertIn(said, result.err)

        assert_refused("proof: found a proof of \"scenario", CLEAN, "--memory-model", "tso", *words)
        assert_refused("proof: found a proof of \"scenario", "seed-stale-hit", "--memory-model", "sc", *words)
        assert_refused("proof: found a proof of --engine dpor, wanted states", CLEAN, "--memory-model", "sc",
                       "--checkpoint", file)
        magic, build, rest = kept.split(b"\n", 2)
        file.write_bytes(b"\n".join([magic, b"0" * len(build), rest]))
        assert_refused("found a checkpoint of another build", CLEAN, "--memory-model", "sc", *words)
        for size in len(kept) - 1, len(kept) // 2:
            file.write_bytes(kept[:size])
            assert_refused("found a damaged file", CLEAN, "--memory-model", "sc", *words)
        for junk in b"", b"something else\n", bytes(range(256)) * 50:
            file.write_bytes(junk)
            assert_refused("found no checkpoint", CLEAN, "--memory-model", "sc", *words)

    def test_a_limit_is_no_proof(self):
        result = self.verify(CLEAN, "--engine", "dpor", "--executions", "10")

        self.assertEqual(result.status, LIMIT, result.err)
        proof = result.json()["scenarios"][0]
        self.assertEqual((proof["verdict"], proof["executions"] + proof["blocked"]), ("unfinished", 10))
        self.assertGreater(proof["runs_at_least"], 10)

    def test_what_it_cannot_do_is_refused(self):
        for words, said in ((["--engine", "none"], 'found "none", wanted states or dpor'),
                            (["--engine", "dpor", "--preemptions", "1"], "--preemptions"),
                            (["--engine", "dpor", "--memory-model", "pso"], "wanted SC or TSO")):
            with self.subTest(words=words):
                result = self.verify(CLEAN, *words)

                self.assertEqual(result.status, BAD_INPUT, result.err)
                self.assertIn(said, result.err)

    def test_a_build_without_it_says_so(self):
        alone = self.folder / "bin" / "shootdown"
        alone.parent.mkdir()
        alone.symlink_to(BIN / "shootdown")  # its own folder is asked, not that of the link
        self.assertEqual(self.run_program(alone, "verify", CLEAN, "--engine", "dpor", "--store", self.store).status, DONE)
        alone.unlink()
        alone.write_bytes((BIN / "shootdown").read_bytes())
        alone.chmod(0o755)

        result = self.run_program(alone, "verify", str(cli.CORPUS / f"{CLEAN}.textproto"), "--engine", "dpor",
                                  "--store", self.store)

        self.assertEqual(result.status, BAD_INPUT, result.err)
        self.assertIn("shootdown-dpor cannot be started", result.err)


if __name__ == "__main__":
    unittest.main()
