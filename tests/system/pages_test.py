"""What the pages quote is what is there: traces, schedules and figures of README.md and of
corpus/hypotheses.md as the programs print them, code of fuzz/kernel/README.md.

A change of the model or of the search changes them. tests/golden/update (UPDATE_GOLDEN=1) writes the parts of
corpus/hypotheses.md that are made by programs anew, to be read before they are committed.
"""

import os
import re
import unittest

import cli
from cli import FINDING, STALE_HIT

HYPOTHESES = cli.CORPUS / "hypotheses.md"
ROOT = cli.CORPUS.parent
README = ROOT / "README.md"
# `shootdown fuzz NAME --seed 1` ... and the block of its trace.
SECTION = re.compile(r"`shootdown fuzz (\S+) --seed 1` finds it; .*?\n```\n.*?\n```\n", re.S)
# `NAME` (`SCHEDULE`: what `--seed 1` is minimized to.
MENTION = re.compile(r"(`(10\.[0-9a-z-]+)`[ \n]\(`)([^`]+)(`)")


class PagesTest(cli.SystemTest):
    def finding(self, name):
        """The finding of seed 1, in the words of the page, and its trace."""
        result = self.fuzz(name, "--seed", 1, "--json")
        self.assertEqual(result.status, FINDING, result.err)
        [found] = result.json()["scenarios"][0]["findings"]
        replay = self.shootdown("replay", found["id"], "--trace", "--store", self.store)
        trace = "\n".join(line.rstrip() for line in replay.out.rstrip().splitlines())
        return found, trace

    def section(self, name):
        found, trace = self.finding(name)
        count = found["minimized_decisions"]
        decisions = f"{count} decision" + ("" if count == 1 else "s")
        how = f"`{found['schedule']}`." if count else "the default order does it."
        return (f"`shootdown fuzz {name} --seed 1` finds it;"
                f" minimized, {decisions}: {how}\n\n```\n{trace}\n```\n")

    def written_anew(self, page):
        page = SECTION.sub(lambda match: self.section(match[1]), page)
        return MENTION.sub(
            lambda match: match[1] + self.finding(match[2])[0]["schedule"] + match[4], page)

    def test_the_windows_have_the_traces_that_their_scenarios_make(self):
        page = HYPOTHESES.read_text(encoding="utf-8")
        self.assertGreaterEqual(len(SECTION.findall(page)), 8)
        self.assertGreaterEqual(len(MENTION.findall(page)), 7)

        anew = self.written_anew(page)
        if "UPDATE_GOLDEN" in os.environ:
            HYPOTHESES.write_text(anew, encoding="utf-8")
            page = anew

        self.assertEqual(page.splitlines(), anew.splitlines())

    def test_the_trace_of_the_readme_is_the_one_that_quickstart_ends_with(self):
        page = README.read_text(encoding="utf-8")
        [block] = re.findall(r"```\n(seed-stale-hit: .*?)\n```\n", page, re.S)
        found, trace = self.finding(STALE_HIT)

        def words(line):  # columns are narrower in the page
            return re.sub(r"[ =-]+", " ", line).strip()

        left = iter([words(line) for line in trace.splitlines()])
        for line in block.splitlines():
            if not line.rstrip(" |").endswith("..."):
                self.assertIn(words(line), left, "in this order")
        self.assertIn(f"`{found['schedule']}` is the whole failure", page)

    def test_the_scenarios_that_pages_show_find_what_they_say(self):
        for page in (cli.CORPUS / "README.md", ROOT / "proto/README.md"):
            with self.subTest(page):
                [text] = re.findall(r'(?m)^ *name: "my-race"\n(?:.+\n)*', page.read_text(encoding="utf-8"))
                text = text.removesuffix("```\n")
                [finds] = re.findall(r'\bfinds: "(\w+)"', text)

                result = self.fuzz(self.write("my-race.textproto", text), "--runs", 20_000, "--json")

                self.assertEqual(result.status, FINDING, result.err)
                self.assertEqual(result.json()["scenarios"][0]["verdict"], finds)

    def test_the_medians_of_the_readme_are_those_of_the_table(self):
        table = (cli.CORPUS / "README.md").read_text(encoding="utf-8")
        medians = [re.search(rf"^\| {name} \|(?:[^|]*\|){{5}} (\d+) \|", table, re.M)[1]
                   for name in (cli.STALE_HIT, cli.LOST_BIT)]

        page = re.sub(r"\s+", " ", README.read_text(encoding="utf-8"))

        self.assertIn("after a median of {} and {} schedules".format(*medians), page)

    def test_the_counts_of_the_readme_are_those_of_the_table(self):
        table = (cli.CORPUS / "README.md").read_text(encoding="utf-8")
        broken = re.search(r"The (\d+) that expect a finding ", table)[1]
        clean, proved, bounded = re.search(r"Of (\d+) clean ones it proves (\d+) for all schedules, and (\d+) for ",
                                           table).groups()
        names = [path.stem for path in cli.CORPUS.glob("*.textproto") if not path.stem.endswith("-fixed")]
        history = {name for name in names if name.startswith("7.")} & set(
            re.findall(r"^\| (\S+) \|.*\| found \|", table, re.M))

        # One way to get it wrong may have several scenarios; so may one window, which is what a scenario opens.
        wrong_trims = {re.match(r"W\d+", name)[0] for name in names if name.startswith("W")}
        windows = {tuple(re.findall("(?m)^version: .*$", (cli.CORPUS / f"{name}.textproto").read_text(encoding="utf-8")))
                   for name in names if name.startswith("10.")}
        archs = set(re.findall(r"(?m)^\| [^|]+ \| [^|]* \| (\w+) \| \d+ \|", table))

        page = re.sub(r"\s+", " ", README.read_text(encoding="utf-8"))

        for words in (f"stand {len(history)} bugs of Linux's history", f"{len(wrong_trims)} ways to get it wrong",
                      f"{len(windows)} windows that look open", f"on {len(archs)} architectures",
                      f"each of the {broken} broken scenarios",
                      f"Of the {clean} that are right, `verify` proves {proved} for all schedules, store buffers "
                      f"included, and {bounded} for all with few preemptions"):
            self.assertTrue(words in page, f"README.md does not say: {words}")

    def test_where_decisions_and_preemptions_differ_the_table_says_why(self):
        table = (cli.CORPUS / "README.md").read_text(encoding="utf-8")
        explained = set(re.findall(r"^- `([^`]+)`: ", table, re.M))
        rows = [re.split(r" *\| *", line)[1:] for line in table.splitlines()
                if re.search(r"\| found \|", line)]
        differ = {row[0] for row in rows if row[9] not in ("", row[8])}
        self.assertGreater(len(differ), 10)
        self.assertEqual(differ - explained, set())

    def test_the_operation_of_the_kernels_readme_is_the_one_in_the_code(self):
        page = (ROOT / "fuzz/kernel/README.md").read_text(encoding="utf-8")
        section = page.partition("## Adding an operation")[2]
        quoted = [line.strip() for line in section.splitlines() if line.startswith("    ")]
        self.assertGreater(len(quoted), 10)

        code = iter([line.strip() for line in
                     (ROOT / "fuzz/kernel/protect_ops.cc").read_text(encoding="utf-8").splitlines()])
        for line in quoted:
            self.assertIn(line, code, "in this order")


if __name__ == "__main__":
    unittest.main()
