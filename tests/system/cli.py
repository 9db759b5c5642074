"""The programs as a user starts them, for the tests beside this file.

Where things are comes from the environment, which CTest sets: SHOOTDOWN_BIN, the folder of the built
programs; SHOOTDOWN_CORPUS, the folder of scenarios; SHOOTDOWN_SURGEON, a program that damages stores;
SHOOTDOWN_PATIENCE, by how much to wait longer than a release build needs (1).
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ["SHOOTDOWN_BIN"])
CORPUS = pathlib.Path(os.environ["SHOOTDOWN_CORPUS"])
SURGEON = os.environ["SHOOTDOWN_SURGEON"]
FUZZ_TARGET = BIN / "shootdown-fuzz"

DONE, FINDING, BAD_INPUT, OUR_FAULT, LIMIT = 0, 1, 2, 3, 4
PATIENCE = int(os.environ.get("SHOOTDOWN_PATIENCE", "1"))  # more where programs are slower
TIMEOUT = 60 * PATIENCE  # seconds; a program that takes so long hangs
NOBODY = 65534

# A scenario whose races need a cross call: the TSB is filled behind a flush that is on its way.
CROSS_CALL = """
name: "cross-call"
summary: "a miss handler puts a stale translation into the TSB, behind munmap's cross call"
machine { cpus: 2 tsb_entries: 1 }
version: "sparc64.tsb_fill = walk_then_lock"
task {
  name: "app"
  process: "p"
  setup: "mmap A 2"
  setup: "touch A"
  setup: "touch B"
  op: "clone worker"
  op: "munmap A"
}
task {
  name: "worker"
  process: "p"
  cpu: 1
  op: "touch A"
  op: "touch A"
}
expect { finds: "stale_tlb_use" }
"""

# Nobody wakes app, so it neither unmaps anything, nor starts child.
SLEEPER = """
name: "sleeper"
summary: "a task sleeps for ever, and is as clean as can be"
machine { cpus: 2 }
task {
  name: "app"
  process: "p"
  setup: "mmap A"
  setup: "touch A"
  op: "yield"
  op: "sleep q"
  op: "munmap A"
  op: "clone child"
}
task { name: "child" process: "p" cpu: 1 op: "touch A" }
task { name: "kt" kthread: true cpu: 1 op: "wake other" }
expect { clean: true }
"""

# What is said of it, behind what did not do it; and in JSON.
SLEEPER_NEVER_DONE = (
    'gets app past "sleep q" (operation 2 of 4); never done: "munmap A" (3), "clone child" (4)',
    'comes to operation 1 of child; never done: "touch A" (1)')
SLEEPER_NEVER_DONE_JSON = [
    {"task": task, "operation": number, "text": text, "begun": begun, "serves": False}
    for task, number, text, begun in (("app", 2, "sleep q", True), ("app", 3, "munmap A", False),
                                      ("app", 4, "clone child", False), ("child", 1, "touch A", False))]

# Scenarios of two CPUs in which every seed finds its race within a few hundred runs.
STALE_HIT = "seed-stale-hit"
LOST_BIT = "seed-lost-bit"
CLEAN = "seed-stale-hit-fixed"


@dataclasses.dataclass
class Result:
    status: int  # negative: ended by that signal
    out: str
    err: str

    def json(self):
        return json.loads(self.out)

    def lines(self):
        return self.err.splitlines()


class SystemTest(unittest.TestCase):
    """A test with a folder of its own, which is also its home: no test sees the user's store."""

    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="shootdown-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.store = self.folder / "store"

    def environment(self, **changes):
        """The environment of a program; None takes a variable away."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("SHOOTDOWN_", "XDG_"))}
        env |= {"HOME": str(self.folder / "home"), "SHOOTDOWN_CORPUS": str(CORPUS)} | changes
        return {k: v for k, v in env.items() if v is not None}

    def run_program(self, program, *words, env=None, stdout=subprocess.PIPE, **options):
        done = subprocess.run(
            [program, *map(str, words)],
            env=env or self.environment(),
            cwd=options.pop("cwd", self.folder),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT,
            text=True,
            errors="replace",
            check=False,
            **options,
        )
        return Result(done.returncode, done.stdout or "", done.stderr)

    def shootdown(self, *words, **options):
        return self.run_program(BIN / "shootdown", *words, **options)

    def fuzz(self, *words, store=None, **options):
        return self.shootdown("fuzz", *words, "--store", store or self.store, **options)

    def start(self, *words, **options):
        """`shootdown`, running; it is killed at the end of the test if it has not ended."""
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen(
            [BIN / "shootdown", *map(str, words)],
            env=self.environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            text=True,
            **options,
        )
        self.addCleanup(end, process)
        return process

    def find(self, scenario=STALE_HIT, seed=1, store=None):
        """The id of a new finding."""
        result = self.fuzz(scenario, "--seed", seed, "--json", store=store)
        self.assertEqual(result.status, FINDING, result.err)
        return result.json()["scenarios"][0]["findings"][0]["id"]

    def write(self, name, text):
        path = self.folder / name
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(text, encoding="utf-8")
        return path

    def assert_refused(self, result, words="", status=BAD_INPUT):
        """One line that begins with the program's name, nothing on standard output."""
        self.assertEqual(result.status, status, result.err)
        self.assertEqual(result.out, "")
        self.assertEqual(len(result.lines()), 1, result.err)
        self.assertRegex(result.err, r"\Ashootdown: ")
        self.assertIn(words, result.err)

    def assert_replays(self, failure, **options):
        result = self.shootdown("replay", failure, "--json", **options)
        self.assertEqual(result.status, DONE, result.err)
        self.assertIs(result.json()["reproduced"], True)


def in_natural_order(names):
    """7.9 before 7.10, W2 before W10."""
    def key(name):
        # Digits come before all letters in ASCII, and after `-` and `.`.
        return [(ord("0"), int(part), "") if part.isdigit() else (ord(part[0]), 0, part)
                for part in re.findall(r"\d+|\D", name)]
    return sorted(names, key=lambda name: (key(name), name))


def end(process):
    if process.poll() is None:
        process.kill()
    process.communicate()


def children_of(pid):
    """The process ids of `pid`'s children."""
    children = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            # The name, in parentheses, may hold anything.
            fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if int(fields[1]) == pid and fields[0] != "Z":
                children.append(int(entry.name))
    return children


def wait_until(condition, what, seconds=60, pause=0.002):
    """The first value of `condition()` that is true; `seconds` are times the patience."""
    seconds *= PATIENCE
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if value := condition():
            return value
        time.sleep(pause)
    raise AssertionError(f"waited {seconds} s in vain for: {what}")


def watch(pid):
    """A descriptor that tells, by being readable, that the process has ended; None if it has."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


def has_ended(watched, seconds):
    """True if the process ends within that time. Closes the descriptor."""
    if watched is None:
        return True
    poll = select.poll()
    poll.register(watched, select.POLLIN)
    ended = bool(poll.poll(seconds * 1000))
    os.close(watched)
    return ended


def stored_ids(text):
    """The ids that `fuzz` said it has stored."""
    return re.findall(r"stored as ([0-9a-f]{16});", text)


def read_until_stored(process):
    """What a running `fuzz` says, up to the first finding that it has stored."""
    said = ""
    while line := process.stderr.readline():
        said += line
        if stored_ids(said):
            return said
    raise AssertionError("it ended without a finding:\n" + said)


def without_times(whole):
    """What `fuzz --json` printed, but for what may differ between two equal runs."""
    for scenario in whole["scenarios"]:
        del scenario["seconds"], scenario["runs_per_second"]
    del whole["store"]
    return whole


def operate(store, *words):
    """Damages a store from below."""
    subprocess.run([SURGEON, str(store), *words], check=True, timeout=TIMEOUT)


def end_signal(result):
    """The name of the signal that ended a program, or None."""
    return signal.Signals(-result.status).name if result.status < 0 else None


def as_nobody():
    """Permissions do not stop root."""
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def need_nobody(test):
    """Skips the test unless it can start the programs as another user."""
    if os.getuid() != 0:
        test.skipTest("this test becomes another user")
    test.folder.chmod(0o755)
    try:
        test.shootdown("--version", preexec_fn=as_nobody)
    except PermissionError:
        test.skipTest("other users cannot start the programs from where they are")


if __name__ == "__main__":
    raise SystemExit("this is a module of the tests beside it")
