"""A proof, or a failure that is kept, or the word that neither was reached."""

import unittest

import cli
from cli import BAD_INPUT, CLEAN, DONE, FINDING, STALE_HIT

LIMIT = 4


class VerifyTest(cli.SystemTest):
    def verify(self, *args):
        return self.shootdown("verify", *args, "--store", self.store, "--json")

    def test_the_fix_is_proved_without_a_bound(self):
        for model in "sc", "tso":
            with self.subTest(model=model):
                result = self.verify(CLEAN, "--memory-model", model)

                self.assertEqual(result.status, DONE, result.err)
                proof = result.json()["scenarios"][0]
                self.assertEqual((proof["verdict"], proof["complete"]), ("clean", True))
                self.assertEqual((proof["bound"], proof["memory_model"]), ({"preemptions": None}, model))
                self.assertIn("verified", result.err)

    def test_a_certificate_is_the_same_each_time(self):
        proofs = [self.verify(CLEAN, "--memory-model", "sc", "--preemptions", "2").json()
                  for _ in range(2)]

        for proof in proofs:
            del proof["scenarios"][0]["seconds"]
        self.assertEqual(proofs[0], proofs[1])

    def test_what_is_found_is_minimized_and_replays(self):
        result = self.verify(STALE_HIT, "--memory-model", "sc", "--preemptions", "2")

        self.assertEqual(result.status, FINDING, result.err)
        proof = result.json()["scenarios"][0]
        self.assertEqual((proof["verdict"], proof["complete"]), ("stale_tlb_use", False))
        self.assertLessEqual(proof["finding"]["minimized_decisions"], proof["finding"]["decisions"])
        replay = self.shootdown("replay", proof["finding"]["id"], "--store", self.store)
        self.assertEqual(replay.status, DONE, replay.err)

    def test_one_preemption_is_too_few_for_the_seed(self):
        result = self.verify(STALE_HIT, "--memory-model", "sc", "--preemptions", "1")

        self.assertEqual(result.status, DONE, result.err)

    def test_a_limit_is_no_proof(self):
        result = self.verify(CLEAN, "--executions", "10")

        self.assertEqual(result.status, LIMIT, result.err)
        proof = result.json()["scenarios"][0]
        self.assertEqual((proof["verdict"], proof["complete"]), ("unfinished", False))
        self.assertNotIn("verified", result.err)

    def test_a_finding_counts_more_than_a_limit(self):
        result = self.verify(CLEAN, STALE_HIT, "--executions", "2000", "--memory-model", "sc",
                             "--preemptions", "2")

        self.assertEqual(result.status, FINDING, result.err)

    def test_a_certificate_names_the_model_and_what_it_varies(self):
        for model, varied in (("pso", ["step_order", "store_buffer_drains"]),
                              ("rmo", ["step_order", "store_buffer_drains", "old_loads"])):
            with self.subTest(model=model):
                result = self.verify(CLEAN, "--executions", "50", "--memory-model", model)

                self.assertEqual(result.status, LIMIT, result.err)
                proof = result.json()["scenarios"][0]
                self.assertEqual((proof["memory_model"], proof["varied"]), (model, varied))

    def test_unknown_memory_models_are_wrong_usage(self):
        result = self.verify(CLEAN, "--memory-model", "alpha")

        self.assertEqual(result.status, BAD_INPUT)
        self.assertIn('--memory-model: found "alpha", wanted sc, tso, pso or rmo', result.err)


if __name__ == "__main__":
    unittest.main()
