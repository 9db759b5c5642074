"""Runs the benchmark programs and prints one table: each figure, and the aim beside it.

Exit status: 0 every figure is there and makes sense, however good or bad; 1 not so; 2 wrong usage.
tests/bench/README.md says what each figure is.
"""

import argparse
import json
import math
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

VARIANTS = {"A": "seed-stale-hit", "B": "seed-lost-bit"}
STRATEGIES = ("libfuzzer", "random")
DECISIONS_AIM = {"A": 2, "B": 3}
CLEAN_SCENARIO = "seed-stale-hit-fixed"

# As fuzz/engine/libfuzzer_search.cc has them. The signal handlers cost a run nothing.
LIBFUZZER_FLAGS = ("-max_len=192", "-len_control=0", "-verbosity=0", "-detect_leaks=0",
                   "-rss_limit_mb=0", "-reload=0", "-mutate_depth=20")

# Below this, growth is how /proc counts: it may be some dozen pages behind, for each CPU.
RSS_NOISE_KIB = 256


class Effort:
    """How much is measured: all of it, or just enough to see that everything works."""

    def __init__(self, quick):
        self.engine_repetitions = 3 if quick else 9
        self.engine_seconds = 0.02 if quick else 0.3  # of one repetition
        self.libfuzzer_repetitions = 3 if quick else 7
        self.libfuzzer_runs = 200_000 if quick else 2_000_000
        self.empty_runs = 500_000 if quick else 5_000_000
        self.search_seeds = 5 if quick else 50
        self.search_runs = 200_000 if quick else 2_000_000
        self.search_seconds = 5 if quick else 150  # for one variant and strategy; no new seed after it
        self.minimize_seeds = 5 if quick else 50
        self.memory_seconds = 20 if quick else 600
        self.memory_interval = 0.25 if quick else 2.0


class Table:
    """Figures in sections, and what is wrong with them."""

    def __init__(self):
        self.lines = []  # a string, or (name, figure, aim, verdict)
        self.problems = []

    def section(self, title):
        self.lines += ["", title]

    def add(self, name, value, text, aim="", met=None, low=0.0):
        """`value` is what sanity is checked of: a number above `low`, or None if there is none."""
        if value is None or not math.isfinite(value) or value <= low:
            self.problems.append(f"{name}: {text}")
        verdict = "" if met is None else "met" if met else "MISSED"
        self.lines.append((name, text, aim, verdict))

    def note(self, text):
        self.lines.append("  " + text)

    def grid(self, rows):
        """Rows of words, the first one of names, each column aligned to the right."""
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        for row in rows:
            self.note("  ".join(word.rjust(width) for word, width in zip(row, widths)))

    def print(self):
        figures = [("figure", "measured", "aim", "")]
        figures += [line for line in self.lines if isinstance(line, tuple)]
        widths = [max(len(row[i]) for row in figures) for i in range(3)]

        def show(row):
            cells = "  ".join(cell.ljust(width) for cell, width in zip(row, widths))
            print(f"  {cells}  {row[3]}".rstrip())

        show(figures[0])
        for line in self.lines:
            show(line) if isinstance(line, tuple) else print(line)


class Programs:
    def __init__(self, build):
        self.bin = build / "bin"
        for name in ("shootdown", "bench_engine", "minimize_bench"):
            if not (self.bin / name).exists():
                sys.exit(f"run.sh: {self.bin / name} is missing: build it first, tests/run.sh does, "
                         "or name another folder with --build")
        os.environ["SHOOTDOWN_CORPUS"] = str(ROOT / "corpus")

    @property
    def empty_target(self):
        path = self.bin / "empty_target"
        return path if path.exists() else None

    def run(self, name, *words, statuses=(0,)):
        command = [str(self.bin / name), *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        if done.returncode not in statuses:
            raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}:\n"
                               f"{done.stderr[-2000:]}")
        return done.stdout

    def fuzz(self, scenario, *flags):
        """What `shootdown fuzz` reports of the scenario, from an empty store; and the wall time."""
        with tempfile.TemporaryDirectory(prefix="shootdown-bench-") as store:
            start = time.monotonic()
            out = self.run("shootdown", "fuzz", scenario, "--json", "--store",
                           os.path.join(store, "store"), *flags, statuses=(0, 1))
            return json.loads(out)["scenarios"][0], time.monotonic() - start


def say(text):
    print(f"[{time.monotonic() - START:4.0f} s] {text}", file=sys.stderr, flush=True)


def count(number):
    return f"{number:,.0f}"


# ---- 1 and 6: raw runs ---------------------------------------------------------------------------


def measure_engine(programs, effort):
    """The medians of bench_engine, by benchmark."""
    say("raw runs: the seed scenario, more CPUs, more operations")
    out = programs.run("bench_engine", "--benchmark_format=json",
                       f"--benchmark_repetitions={effort.engine_repetitions}",
                       "--benchmark_report_aggregates_only=true",
                       f"--benchmark_min_time={effort.engine_seconds}")
    medians = {}
    for entry in json.loads(out)["benchmarks"]:
        if entry.get("error_occurred"):
            raise RuntimeError(f"bench_engine {entry['run_name']}: {entry['error_message']}")
        if entry.get("aggregate_name") == "median":
            medians[entry["run_name"]] = {
                "ns": entry["cpu_time"],  # of a run; bench_engine leaves the unit at ns
                "steps": entry["steps"],
                "ns_per_step": entry["cpu_time"] / entry["steps"],
                "runs_per_second": 1e9 / entry["cpu_time"],
                "snapshot_bytes": entry["snapshot_bytes"],
            }
    return medians


def show_raw(table, engine):
    table.section("1. Raw runs of the 2-CPU seed scenario, empty schedule, one core")
    for name, who in (("fixed", "seed-stale-hit-fixed, all checks"),
                      ("seed", "seed-stale-hit, all checks but one")):
        rate, step = engine[name]["runs_per_second"], engine[name]["ns_per_step"]
        table.add(f"{who}: runs/s", rate, count(rate), "at least 1,000,000", rate >= 1e6)
        table.add(f"{who}: ns/step", step, f"{step:.2f}, {engine[name]['steps']:.0f} steps a run",
                  "at most 10", step <= 10)
    featured = engine["fixed_with_features"]["runs_per_second"]
    table.add("the first, features looked up: runs/s", featured, count(featured))


def show_growth(table, engine):
    table.section("6. Growth")

    def rows_of(prefix, title):
        cases = sorted((int(name.split("/")[1]), m) for name, m in engine.items()
                       if name.startswith(prefix))
        rows = [(title, "runs/s", "steps", "ns/run", "ns/step", "snapshot bytes")]
        rows += [(str(n), count(m["runs_per_second"]), count(m["steps"]), count(m["ns"]),
                  f"{m['ns_per_step']:.2f}", count(m["snapshot_bytes"])) for n, m in cases]
        return cases, rows

    cpus, rows = rows_of("cpus/", "CPUs")
    table.grid(rows)
    (low, first), (high, last) = cpus[0], cpus[-1]
    ratio, linear = last["ns"] / first["ns"], high / low
    table.add(f"time of a run, {high} CPUs / {low} CPUs", ratio, f"{ratio:.2f}",
              f"at most {linear:.0f} (linear)", ratio <= linear)
    extra = (last["ns"] - first["ns"]) / (high - low)
    table.add("ns that an idle CPU adds to a run", extra, f"{extra:.1f}", low=-math.inf)

    operations, rows = rows_of("operations/", "times 3 ops")
    table.grid(rows)
    (low, first), (high, last) = operations[0], operations[-1]
    ratio = last["ns_per_step"] / first["ns_per_step"]
    table.add(f"ns/step, {high} times / {low} times", ratio, f"{ratio:.2f}", "at most 1.25 (flat)",
              ratio <= 1.25)


# ---- 2: under libFuzzer --------------------------------------------------------------------------


def cpu_seconds(work):
    """What `work()` returns, and the CPU time of the processes that it ran to their end, with their
    children. A busy neighbour lengthens the wall time, and not of both sides alike."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return result, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run_empty(program, runs):
    subprocess.run([str(program), f"-runs={runs}", "-seed=1", *LIBFUZZER_FLAGS], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=900)


def show_libfuzzer(table, programs, effort):
    table.section(f"2. Under libFuzzer, {CLEAN_SCENARIO} and an empty target in turn, "
                  f"medians of {effort.libfuzzer_repetitions}, a second of CPU time")
    ours, empty = [], []
    for i in range(effort.libfuzzer_repetitions):
        say(f"under libFuzzer, {i + 1} of {effort.libfuzzer_repetitions}")
        (report, _), seconds = cpu_seconds(lambda seed=i + 1: programs.fuzz(
            CLEAN_SCENARIO, "--runs", effort.libfuzzer_runs, "--seed", seed))
        if report["runs"] < effort.libfuzzer_runs:
            raise RuntimeError(f"{CLEAN_SCENARIO}: {report['runs']} runs, wanted {effort.libfuzzer_runs}")
        ours.append(report["runs"] / seconds)
        if programs.empty_target:
            _, seconds = cpu_seconds(lambda: run_empty(programs.empty_target, effort.empty_runs))
            empty.append(effort.empty_runs / seconds)
    rate = statistics.median(ours)
    table.add("runs/s, shootdown fuzz", rate, f"{count(rate)} ({count(min(ours))} to {count(max(ours))})")
    if not empty:
        table.note("the empty target is left out: libFuzzer's main() needs Clang")
        return
    most = statistics.median(empty)
    table.add("runs/s, empty target", most,
              f"{count(most)} ({count(min(empty))} to {count(max(empty))})")
    table.add("share of the empty target", rate / most, f"{rate / most:.3f}", "at least 0.25",
              rate / most >= 0.25)


# ---- 3 and 4: finding and minimizing -------------------------------------------------------------


def search(programs, effort, variant, strategy):
    """One dict a seed: the run that found (None: none did), decisions, seconds."""
    results = []
    start = time.monotonic()
    for seed in range(1, effort.search_seeds + 1):
        if time.monotonic() - start > effort.search_seconds:
            break
        report, seconds = programs.fuzz(VARIANTS[variant], "--seed", seed, "--strategy", strategy,
                                        "--runs", effort.search_runs)
        found = report["findings"][0] if report["findings"] else None
        results.append({
            "run": found["found_at_run"] if found else None,
            "decisions": found["minimized_decisions"] if found else None,
            "seconds": seconds,
        })
    return results


def show_search(table, programs, effort):
    table.section(f"3. From an empty corpus to the first finding, {effort.search_seeds} seeds each, "
                  f"at most {count(effort.search_runs)} runs")
    decisions = {variant: [] for variant in VARIANTS}
    for variant, scenario in VARIANTS.items():
        for strategy in STRATEGIES:
            say(f"searching {scenario} with {strategy}")
            results = search(programs, effort, variant, strategy)
            found = [r for r in results if r["run"] is not None]
            decisions[variant] += [r["decisions"] for r in found]
            # A seed that found nothing counts as the whole budget.
            runs = [r["run"] if r["run"] is not None else effort.search_runs for r in results]
            median, mean, worst = statistics.median(runs), statistics.mean(runs), max(runs)
            more = "" if len(found) == len(results) else "over "
            who = f"{variant}, {strategy}"
            table.add(f"{who}: schedules, median", median if found else None, count(median),
                      "under 1,000", median < 1000)
            table.add(f"{who}: mean; worst", mean if found else None,
                      f"{more}{count(mean)}; {more}{count(worst)}")
            table.add(f"{who}: seeds that found", len(found),
                      f"{len(found)} of {len(results)}"
                      + ("" if len(results) == effort.search_seeds
                         else f" (then time ran out; wanted {effort.search_seeds})"))
            seconds = statistics.median(r["seconds"] for r in results)
            slowest = max(r["seconds"] for r in results)
            table.add(f"{who}: seconds, median; worst", seconds, f"{seconds:.3f}; {slowest:.3f}",
                      "median under 1", seconds < 1)
    return decisions


def measure_minimizing(programs, effort, scenario):
    lines = programs.run("minimize_bench", scenario, effort.minimize_seeds).splitlines()
    names = lines[0].split("\t")
    return [dict(zip(names, map(float, line.split("\t")))) for line in lines[1:]]


def show_minimizing(table, programs, effort, decisions):
    table.section("4. Minimizing")
    for variant, scenario in VARIANTS.items():
        say(f"minimizing {scenario}")
        most = max(decisions[variant], default=None)
        aim = DECISIONS_AIM[variant]
        table.add(f"{variant}: decisions of the {len(decisions[variant])} findings, most", most,
                  str(most), f"at most {aim}", most is not None and most <= aim)
        results = measure_minimizing(programs, effort, scenario)
        ms = [r["minimize_ms"] for r in results] or [math.nan]
        runs = [r["minimize_runs"] for r in results] or [math.nan]
        median = statistics.median(ms)
        table.add(f"{variant}: ms, median; worst", median, f"{median:.1f}; {max(ms):.1f}",
                  "median under 100", median < 100)
        with_scenario = [r["scenario_ms"] for r in results] or [math.nan]
        median = statistics.median(with_scenario)
        table.add(f"{variant}: ms with the scenario, median; worst", median,
                  f"{median:.1f}; {max(with_scenario):.1f}", "median under 100", median < 100)
        table.add(f"{variant}: runs it takes, median; worst", statistics.median(runs),
                  f"{count(statistics.median(runs))}; {count(max(runs))}, "
                  f"of {len(results)} findings")


# ---- 5: memory -----------------------------------------------------------------------------------


def status_kib(pid, *fields):
    """Fields of /proc/PID/status in KiB; None if the process has gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as status:
            found = {line.split(":")[0]: line.split()[1] for line in status if line.endswith("kB\n")}
        return [int(found[field]) for field in fields]
    except (OSError, KeyError):
        return None


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as children:
            return [int(word) for word in children.read().split()]
    except OSError:
        return []


def measure_memory(programs, effort):
    """Samples (seconds, resident KiB, peak KiB) of the process that searches; its parent's peak; the
    size of what it wrote to its standard error, which is a file in memory; and the report."""
    samples, parent_peak, words_bytes = [], 0, 0
    with tempfile.TemporaryDirectory(prefix="shootdown-bench-") as store:
        command = [str(programs.bin / "shootdown"), "fuzz", CLEAN_SCENARIO, "--json", "--seconds",
                   str(effort.memory_seconds), "--store", os.path.join(store, "store")]
        start = time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True) as fuzz:
            try:
                # The report is shorter than a pipe, so nobody needs to read it meanwhile.
                while fuzz.poll() is None:
                    time.sleep(effort.memory_interval)
                    if time.monotonic() - start > effort.memory_seconds + 60:
                        raise RuntimeError(f"{' '.join(command)} does not end")
                    parent = status_kib(fuzz.pid, "VmHWM")
                    parent_peak = max(parent_peak, parent[0] if parent else 0)
                    for child in children_of(fuzz.pid):
                        if now := status_kib(child, "VmRSS", "VmHWM"):
                            samples.append((time.monotonic() - start, *now))
                            words_bytes = written_bytes(child, words_bytes)
                report = json.load(fuzz.stdout)["scenarios"][0]
            finally:
                fuzz.kill()
    return samples, parent_peak, words_bytes, report


def written_bytes(pid, before):
    try:
        return os.stat(f"/proc/{pid}/fd/2").st_size
    except OSError:
        return before


def show_memory(table, programs, effort):
    table.section(f"5. Memory of a process that searches {CLEAN_SCENARIO} for "
                  f"{effort.memory_seconds} s")
    say(f"memory, {effort.memory_seconds} s")
    samples, parent_peak, words_bytes, report = measure_memory(programs, effort)
    if len(samples) < 20:
        table.add("samples", None, f"{len(samples)}, wanted at least 20")
        return
    tenth = len(samples) // 10

    def level(at):
        return statistics.median(rss for _, rss, _ in samples[at:at + tenth])

    levels = [level(len(samples) * part // 100) for part in (0, 10, 25, 50, 75)]
    levels.append(level(len(samples) - tenth))
    peak = max(peak for _, _, peak in samples)
    growth = levels[-1] - levels[3]
    table.add("peak, KiB", peak, count(peak))
    table.add("resident at 0, 10, 25, 50, 75, 90 %, KiB", levels[-1], " ".join(map(count, levels)))
    table.add("growth in the second half, KiB", growth, f"{growth:+,.0f}",
              f"none (at most {RSS_NOISE_KIB}, as /proc counts)", growth <= RSS_NOISE_KIB,
              low=-math.inf)
    table.add("written to its standard error, bytes", words_bytes, count(words_bytes), low=-1)
    table.add("peak of its parent, KiB", parent_peak, count(parent_peak))
    table.add("runs; inputs kept", report["runs"], f"{count(report['runs'])}; {count(report['corpus'])}")


# ---- all of it -----------------------------------------------------------------------------------


def machine():
    model = "an unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return f"{os.cpu_count()} cores of {model}; load {os.getloadavg()[0]:.2f} when this began"


def main():
    parser = argparse.ArgumentParser(
        prog="run.sh", description="Runs the benchmarks and prints their figures. Builds nothing.")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release",
                        help="folder of the build (default: build/release)")
    parser.add_argument("--quick", action="store_true",
                        help="half a minute: shows that all works; too short to trust the figures")
    flags = parser.parse_args()
    programs = Programs(flags.build.resolve())
    effort = Effort(flags.quick)
    table = Table()
    table.lines.append(machine() + ("; quick: not to be trusted" if flags.quick else ""))
    try:
        engine = measure_engine(programs, effort)
        show_raw(table, engine)
        show_libfuzzer(table, programs, effort)
        decisions = show_search(table, programs, effort)
        show_minimizing(table, programs, effort, decisions)
        show_memory(table, programs, effort)
        show_growth(table, engine)
    except (RuntimeError, OSError, LookupError, ValueError, subprocess.SubprocessError) as error:
        table.problems.append(f"it ended here: {type(error).__name__}: {error}")
    table.print()
    missed = sum(1 for line in table.lines if isinstance(line, tuple) and line[3] == "MISSED")
    print(f"\n{missed} aims missed, {len(table.problems)} figures missing or senseless")
    for problem in table.problems:
        print(f"run.sh: {problem}", file=sys.stderr)
    say("done")
    return 1 if table.problems else 0


START = time.monotonic()
if __name__ == "__main__":
    sys.exit(main())
