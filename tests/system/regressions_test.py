"""corpus/regressions: failures that were found once fail in the same way for ever, row by row.

A change that is meant to change runs writes them anew: tests/golden/update.
"""

import unittest

import cli
from cli import CORPUS, DONE

FILES = sorted((CORPUS / "regressions").glob("*.failure"))


class RegressionsTest(cli.SystemTest):
    def test_each_replays_exactly(self):
        for path in FILES:
            with self.subTest(path.name):
                result = self.shootdown("replay", path, "--json", "--store", self.store)

                self.assertEqual(result.status, DONE, result.err)
                replayed = result.json()
                self.assertTrue(replayed["reproduced"])
                self.assertEqual(replayed["trace_hash"], replayed["expected_trace_hash"])

    def test_there_are_some_of_every_architecture_and_memory_model(self):
        texts = "".join(path.read_text() for path in FILES)

        self.assertGreaterEqual(len(FILES), 20)
        for arch in ("alpha", "arm", "arm64", "ia64", "loongarch", "mips", "powerpc64", "powerpc_nohash",
                     "riscv", "s390", "sh", "sparc32", "x86_64"):
            self.assertIn(rf'arch: \"{arch}\"', texts)
        for model in ("TSO", "PSO", "RMO"):
            self.assertIn(f"memory_model: {model}", texts)
        for word in ("~hold", ">C1"):
            self.assertIn(word, texts)


if __name__ == "__main__":
    unittest.main()
