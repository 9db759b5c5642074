#!/usr/bin/env python3
"""tests/bench/strategies on two puzzles: a search for each seed, the table's figures, and the plot."""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import xml.dom.minidom

SCRIPT = pathlib.Path(__file__).resolve().parent / "strategies"
BUILD = pathlib.Path(sys.argv.pop())


def run(*words):
    return subprocess.run([str(w) for w in (SCRIPT, *words)], capture_output=True, text=True, check=False)


class StrategiesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = pathlib.Path(folder.name)

    def test_from_searches_to_table_and_plot(self):
        made = run("--build", BUILD, "--seeds", 3, "--programs", "lost_update,torn_sum", "--strategies",
                   "surw,libfuzzer", "--out", self.out)
        self.assertEqual(made.returncode, 0, made.stderr)
        lines = (self.out / "runs.tsv").read_text().splitlines()
        self.assertEqual(len(lines), 2 * 2 * 3)
        self.assertEqual({line.split("\t")[4] for line in lines}, {"1"})
        self.assertEqual(made.stdout, (self.out / "table.txt").read_text())
        picture = xml.dom.minidom.parse(str(self.out / "strategies.svg")).toxml()
        words = {text.strip() for text in re.findall(">([^<>]+)<", picture)}
        self.assertLessEqual({"lost_update", "torn_sum", "surw", "libfuzzer"}, words)

    # 2, 4 and a search that was cut at 30: 36 runs for two hits.
    def test_a_search_that_was_cut_counts_with_what_it_cost(self):
        runs = self.out / "some.tsv"
        runs.write_text("p\tsurw\t0\t2\t1\np\tsurw\t1\t4\t1\np\tsurw\t2\t30\t0\n"
                        "p\tlibfuzzer\t0\t9\t1\np\tlibfuzzer\t1\t9\t1\np\tlibfuzzer\t2\t9\t1\n")
        made = run("--runs", runs, "--out", self.out)
        self.assertEqual(made.returncode, 0, made.stderr)
        row = made.stdout.splitlines()[1]
        self.assertRegex(row, r"^p  +9\.0 \[9\.0-9\.0\]  +18\.0 \[.*\] 2/3$")
        self.assertIn("worst 0.50 (p)", made.stdout)

    def test_pieces_that_do_not_fit_together_are_refused(self):
        runs = self.out / "some.tsv"
        runs.write_text("p\tsurw\t0\t2\t1\nq\tpos\t0\t2\t1\n")
        made = run("--runs", runs, "--out", self.out)
        self.assertEqual(made.returncode, 1)
        self.assertIn("fewer strategies", made.stderr)


if __name__ == "__main__":
    unittest.main()
