"""`verify --engine dpor`: another way through all schedules, which must come to the same."""

import unittest

import cli
from cli import BAD_INPUT, BIN, CLEAN, DONE, FINDING, LIMIT

# Small in orders as well: right ones, and wrong ones that an order of steps alone breaks.
RIGHT = (CLEAN, "W7-no-grab-fixed", "W14-trims-with-irqs-off-fixed", "W16-lazy-cpus-skipped-fixed",
         "7.18-lazy-tlb-no-ipi-fixed", "seed-stale-hit-vhost")
WRONG = ("seed-lost-bit", "seed-stale-hit", "W1-flusher-resets-mask", "W7-no-grab", "W7-double-drop",
         "W14-trims-with-irqs-off", "W15-counted-twice", "W16-lazy-cpus-skipped",
         "7.3-use-mm-vs-invalidate")


class VerifyDporTest(cli.SystemTest):
    def verify(self, *args):
        return self.shootdown("verify", *args, "--store", self.store, "--json")

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

    def test_eight_cpus_are_no_more_to_refute_than_two(self):
        few, many = (self.verify(f"seed-stale-hit{cpus}", "--engine", "dpor", "--memory-model", "sc")
                     for cpus in ("", "-8cpu"))

        self.assertEqual((few.status, many.status), (FINDING, FINDING), few.err + many.err)
        runs = [r.json()["scenarios"][0]["executions"] for r in (few, many)]
        self.assertLess(runs[1], 10 * runs[0])

    def test_its_certificate_is_the_same_each_time(self):
        proofs = [self.verify(CLEAN, "--engine", "dpor").json()["scenarios"][0] for _ in range(2)]

        for proof in proofs:
            del proof["seconds"]
        self.assertEqual(proofs[0], proofs[1])

    def test_a_limit_is_no_proof(self):
        result = self.verify(CLEAN, "--engine", "dpor", "--executions", "10")

        self.assertEqual(result.status, LIMIT, result.err)
        proof = result.json()["scenarios"][0]
        self.assertEqual((proof["verdict"], proof["executions"] + proof["blocked"]), ("unfinished", 10))
        self.assertGreater(proof["runs_at_least"], 10)

    def test_what_it_cannot_do_is_refused(self):
        for words, said in ((["--engine", "none"], 'found "none", wanted states or dpor'),
                            (["--engine", "dpor", "--preemptions", "1"], "--preemptions"),
                            (["--engine", "dpor", "--events", "1"], "--events"),
                            (["--engine", "dpor", "--jobs", "2"], "--jobs"),
                            (["--engine", "dpor", "--checkpoint", "c"], "--checkpoint"),
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
