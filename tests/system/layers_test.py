"""The rules of fuzz/README.md that a reader can check by machine: which folder may include which, and
what must not be near a run."""

import itertools
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# A folder, and the folders whose headers it may include beside its own.
MAY_INCLUDE = {
    "fuzz/base": set(),
    "fuzz/sim": {"fuzz/base"},
    "fuzz/program": {"fuzz/sim", "fuzz/base"},
    "fuzz/kernel": {"fuzz/sim", "fuzz/base"},
    "fuzz/check": {"fuzz/kernel", "fuzz/sim", "fuzz/base"},
    "fuzz/schedule": {"fuzz/sim", "fuzz/base"},
    "fuzz/scenario": {"fuzz/check", "fuzz/kernel", "fuzz/schedule", "fuzz/sim", "fuzz/base"},
    "fuzz/explore": {"fuzz/scenario", "fuzz/schedule", "fuzz/sim", "fuzz/base"},
    "fuzz/corpus": {"fuzz/base"},
    "fuzz/strategy": {"fuzz/schedule", "fuzz/sim", "fuzz/base"},
    "fuzz/engine": {"fuzz/scenario", "fuzz/explore", "fuzz/strategy", "fuzz/schedule", "fuzz/corpus", "fuzz/check", "fuzz/sim",
                    "fuzz/base"},
    "fuzz/process": {"fuzz/engine", "fuzz/explore", "fuzz/scenario", "fuzz/strategy", "fuzz/schedule",
                     "fuzz/corpus", "fuzz/sim", "fuzz/base", "proto"},
    "proto": {"fuzz/corpus", "fuzz/scenario", "fuzz/schedule", "fuzz/sim", "fuzz/base"},
    "worker": {"fuzz/process", "fuzz/engine", "fuzz/strategy", "fuzz/schedule", "fuzz/scenario", "fuzz/store",
               "fuzz/options", "fuzz/corpus", "fuzz/sim", "fuzz/base", "proto"},
    "fuzz/options": set(),
    "fuzz/store": {"proto", "fuzz/corpus", "fuzz/base"},
    # It parses schedules and scenarios, and has no machine to run them on.
    "server": {"proto", "fuzz/store", "fuzz/strategy", "fuzz/schedule", "fuzz/options", "fuzz/corpus", "fuzz/base"},
}

# Nothing that a run depends on may look at the world, or at an order that is not ours.
BANNED_NEAR_A_RUN = re.compile(
    r"#include <(chrono|thread|mutex|atomic|random|unordered_map|unordered_set|ctime)>|getenv\(|std::rand\(")
# These surround runs, and make none (fuzz/README.md, determinism).
AROUND_RUNS = {"fuzz/cli", "fuzz/options", "fuzz/process", "fuzz/store"}
# Ends a search whose budget is in seconds.
LOOKS_AT_A_CLOCK = "fuzz/engine/search_limits.h"

# Steps whose value an expression uses. Where no &&, || or ?: stands between two of them, the compiler chooses
# which is first, and compilers differ.
STEP = re.compile(r"\b(?:READ_ONCE|ATOMIC_RMW|LOAD|LOAD_LATER|RMW|RMW_UNORDERED|CAS|AWAIT|TRY_LOCK)\(")


def without_conditions(statement):
    """The statement's pieces, the heads of `if`, `while` and so on apart from what they govern."""
    pieces = []
    while head := re.match(r"\s*(?:else\s+)?(?:if|while|switch|for)\s*(?:constexpr\s*)?\(", statement):
        depth, end = 1, head.end()
        while depth and end < len(statement):
            depth += {"(": 1, ")": -1}.get(statement[end], 0)
            end += 1
        pieces.append(statement[head.end():end - 1])
        statement = statement[end:]
    return [*pieces, statement]


def unordered_steps(text):
    """Expressions of C++ source with two steps in an order that the language leaves open."""
    text = re.sub(r"//[^\n]*", "", text)
    text = re.sub(r"^[ \t]*#(?:.*\\\n)*.*$", "", text, flags=re.MULTILINE)
    for statement in re.findall(r"[^;{}]+", text):
        for piece in without_conditions(statement):
            for part in re.split(r"&&|\|\||\?| : ", piece):
                if len(STEP.findall(part)) > 1:
                    yield " ".join(part.split())


def sources(folder):
    return sorted(p for p in (ROOT / folder).rglob("*") if p.suffix in (".h", ".cc"))


class LayersTest(unittest.TestCase):
    def test_arrows_point_one_way(self):
        for folder, allowed in MAY_INCLUDE.items():
            for path in sources(folder):
                for included in re.findall(r'#include "((?:fuzz/[a-z]+|proto|worker|server))/', path.read_text()):
                    with self.subTest(file=str(path.relative_to(ROOT)), included=included):
                        self.assertIn(included, allowed | {folder})

    def test_every_source_folder_has_its_rule(self):
        folders = {f"fuzz/{p.name}" for p in (ROOT / "fuzz").iterdir() if p.is_dir()}
        self.assertEqual(folders - {"fuzz/cli"}, {f for f in MAY_INCLUDE if f.startswith("fuzz/")})

    def test_runs_see_no_clock_no_thread_and_no_foreign_order(self):
        folders = {f"fuzz/{p.name}" for p in (ROOT / "fuzz").iterdir() if p.is_dir()} - AROUND_RUNS
        for path in itertools.chain.from_iterable(map(sources, sorted(folders))):
            name = str(path.relative_to(ROOT))
            with self.subTest(file=name):
                found = {match[0] for match in BANNED_NEAR_A_RUN.finditer(path.read_text())}
                self.assertEqual(found, {"#include <chrono>"} if name == LOOKS_AT_A_CLOCK else set())

    def test_no_expression_has_two_steps_in_an_order_that_compilers_choose(self):
        self.assertTrue(list(unordered_steps("x = Find(READ_ONCE(map), READ_ONCE(next));")))
        self.assertTrue(list(unordered_steps("if (READ_ONCE(a) != READ_ONCE(b)) return;")))
        self.assertFalse(list(unordered_steps("if (READ_ONCE(a) == 1 && READ_ONCE(b)) c = READ_ONCE(d);")))
        self.assertFalse(list(unordered_steps("WRITE_ONCE(a, READ_ONCE(a) + 1);")))
        # Where guest code is, and fuzz/program/access.h, which has its words.
        folders = ("fuzz/kernel", "fuzz/program", "tests/puzzles", "tests/fuzz", "tests/install")
        for path in itertools.chain.from_iterable(sources(folder) for folder in folders):
            with self.subTest(file=str(path.relative_to(ROOT))):
                self.assertEqual(list(unordered_steps(path.read_text())), [])

    def test_proto_uses_only_the_data_of_scenarios(self):
        for path in sources("proto"):
            self.assertNotIn("fuzz/scenario/simulation.h", path.read_text())


if __name__ == "__main__":
    unittest.main()
