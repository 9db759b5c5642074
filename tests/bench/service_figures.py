"""Figures of the service, from real programs on real sockets; prints one table with the aims.

  tests/bench/service.sh [--quick] [--build DIR]

Exit status: 0 every figure is there and makes sense, however good or bad; 1 not so; 2 wrong usage.
tests/bench/README.md says what each figure is.
"""

import argparse
import contextlib
import json
import os
import pathlib
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCENARIO = "seed-stale-hit-fixed"  # clean: nothing but runs
BUGGY = "seed-stale-hit"


def say(text):
    print(f"[{time.monotonic() - START:4.0f} s] {text}", file=sys.stderr, flush=True)


class Service:
    """One coordinator and its workers in a folder of their own."""

    def __init__(self, build, folder, server_cpu=None):
        self.bin = build / "bin"
        self.folder = folder
        self.processes = []
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{s.getsockname()[1]}"
        pin = ["taskset", "-c", str(server_cpu)] if server_cpu is not None else []
        self.server = self.start(*pin, self.bin / "shootdown-server", "--data", folder / "data",
                                 "--listen", self.address)
        limit = time.monotonic() + 20
        while self.shootdown("campaign", "list").returncode != 0:
            if time.monotonic() > limit:
                raise RuntimeError("the coordinator does not come up")
            time.sleep(0.05)

    def start(self, *words):
        log = open(self.folder / f"{len(self.processes)}.log", "wb")
        process = subprocess.Popen([str(w) for w in words], stdout=log, stderr=log,
                                   stdin=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def start_worker(self, name):
        return self.start(self.bin / "shootdown-worker", "--coordinator", self.address, "--jobs", 1,
                          "--name", name, "--state", self.folder / name)

    def shootdown(self, *words):
        return subprocess.run(
            [str(self.bin / "shootdown"), *map(str, words), "--coordinator", self.address, "--json"],
            capture_output=True, text=True, timeout=60, check=False)

    def create(self, *words):
        return json.loads(self.shootdown("campaign", "create", *words).stdout)["id"]

    def stats(self):
        return json.loads(self.shootdown("coordinator", "stats").stdout)

    def show(self, campaign):
        return json.loads(self.shootdown("campaign", "show", campaign).stdout)

    def close(self):
        for process in reversed(self.processes):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        for process in reversed(self.processes):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def rss_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


# ---- runs through the service, against the engine alone -------------------------------------------


def bare_speed(build, jobs, runs):
    """Runs a second, and runs a second of CPU time."""
    with tempfile.TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        out = subprocess.run(
            [str(build / "bin/shootdown"), "fuzz", SCENARIO, "--runs", str(runs), "--jobs", str(jobs),
             "--keep-going", "--json", "--store", folder + "/store"],
            capture_output=True, text=True, timeout=900, check=False).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    scenario = json.loads(out)["scenarios"][0]
    return scenario["runs_per_second"], scenario["runs"] / cpu


def cpu_seconds(pid):
    """Of a process, of all below it, and of those of them that have ended."""
    ticks = sum(int(word) for word in pathlib.Path(f"/proc/{pid}/stat").read_text()
                .rsplit(")", 1)[1].split()[11:15])
    children = [int(child) for tasks in pathlib.Path(f"/proc/{pid}/task").iterdir()
                for child in (tasks / "children").read_text().split()]
    return ticks / os.sysconf("SC_CLK_TCK") + sum(cpu_seconds(child) for child in children)


def service_speed(build, workers, runs):
    """Runs a second, and runs a second of CPU time of all: engines, workers and coordinator, from
    their start. Of a campaign from its creation to its end, with all leases that are small."""
    with tempfile.TemporaryDirectory() as folder:
        service = Service(build, pathlib.Path(folder))
        try:
            for number in range(workers):
                service.start_worker(f"w{number}")
            wait_for(lambda: len(service.stats()["workers"]) == workers, "the workers")
            begun = time.monotonic()
            campaign = service.create(SCENARIO, "--runs", runs, "--keep-going")
            wait_for(lambda: service.show(campaign)["state"] == "done", "the end", pause=0.25)
            took = time.monotonic() - begun
            return runs / took, runs / sum(cpu_seconds(p.pid) for p in service.processes)
        finally:
            service.close()


def wait_for(condition, what, pause=0.02):
    limit = time.monotonic() + 900
    while not condition():
        if time.monotonic() > limit:
            raise RuntimeError(f"waited in vain for {what}")
        time.sleep(pause)


def measure_speed(build, effort):
    rows = []
    for workers in (1, 2):
        say(f"{workers} worker(s) against the engine alone, in turn")
        bare, through = [], []
        for _ in range(effort["rounds"]):
            bare.append(bare_speed(build, workers, effort["runs"] * workers))
            through.append(service_speed(build, workers, effort["runs"] * workers))
            say("alone {:,.0f} runs/s ({:,.0f} a CPU second), service {:,.0f} ({:,.0f})".format(
                *bare[-1], *through[-1]))
        rows.append((f"runs a second, {workers} worker(s)", f"{median(through, 0):,.0f}", ""))
        rows.append((f"  engine alone, {workers} job(s)", f"{median(bare, 0):,.0f}", ""))
        # Of two that ran one after the other, so a machine that is slow for a while is so for both.
        for what, name in ((0, "share"), (1, "share, of runs a CPU second")):
            share = statistics.median(t[what] / b[what] for t, b in zip(through, bare))
            rows.append((f"  {name}", f"{share:.3f}", "0.95" + (" met" if share >= 0.95 else " MISSED")))
    return rows


def median(pairs, which):
    return statistics.median(pair[which] for pair in pairs)


# ---- a thousand workers ---------------------------------------------------------------------------


def measure_load(build, effort):
    say(f"{effort['workers']} simulated workers on one coordinator on one core")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        store = folder / "store"
        found = json.loads(subprocess.run(
            [str(build / "bin/shootdown"), "fuzz", BUGGY, "--json", "--store", str(store)],
            capture_output=True, text=True, check=False).stdout)
        failure = folder / "one.failure"
        subprocess.run(
            [str(build / "bin/shootdown"), "failures", "export",
             found["scenarios"][0]["findings"][0]["id"], "--store", str(store), "-o", str(failure)],
            check=True, capture_output=True)
        service = Service(build, folder, server_cpu=0)
        try:
            service.create(BUGGY, "--runs", 2**50, "--keep-going", "--findings-max",
                           effort["findings_max"])
            load = subprocess.Popen(
                ["taskset", "-c", "1", str(build / "bin/service_load"), service.address, "--failure",
                 str(failure), "--workers", str(effort["workers"]), "--seconds",
                 str(effort["load_seconds"])], stdout=(folder / "load.json").open("w"))
            sizes = []
            while load.poll() is None:
                time.sleep(1)
                sizes.append(rss_kib(service.server.pid) / 1024)
            report = json.loads((folder / "load.json").read_text())
        finally:
            service.close()
    # Tables in memory grow until they are written, so a moment says little.
    part = max(1, len(sizes) // 10)
    middle = len(sizes) // 2
    half, end = statistics.median(sizes[middle - part:middle]), statistics.median(sizes[-part:])
    growth = 100 * (end - half) / half
    # It counts only if the campaign was full by then: before, it is meant to grow.
    full_at = report["findings_seconds"]
    full = report["findings_accepted"] >= effort["findings_max"] and \
        full_at < effort["load_seconds"] / 2
    flat = "2 %" + (" met" if full and growth < 2 else " MISSED")
    lost = report["leases_lost"]
    p99 = report["sync_ms_p99"]
    for words, times in report["errors"].items():
        say(f"{times} times: {words}")
    return [
        (f"Sync, {effort['workers']} workers: p99, ms", f"{p99:.1f}",
         "100" + (" met" if p99 < 100 else " MISSED")),
        ("  median, ms", f"{report['sync_ms_median']:.1f}", ""),
        ("  Syncs a second", f"{report['syncs'] / effort['load_seconds']:.0f}", ""),
        ("  leases done, and lost", f"{report['leases_settled']}, {lost}",
         "none lost" + (" met" if lost == 0 else " MISSED")),
        ("  findings a second, synced to disk",
         f"{report['findings_accepted'] / max(full_at, 1e-9):.1f}", ""),
        (f"  all {effort['findings_max']} findings are there after, s", f"{full_at:.0f}", ""),
        ("  coordinator's memory at half time, at the end, MiB", f"{half:.1f}, {end:.1f}", ""),
        ("  growth in the second half, %", f"{growth:.1f}", flat),
    ], report["leases_settled"] > 0 and report["findings_accepted"] > 0


def main():
    parser = argparse.ArgumentParser(prog="service.sh", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="see that everything works; no figures")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    flags = parser.parse_args()
    os.environ["SHOOTDOWN_CORPUS"] = str(ROOT / "corpus")
    effort = {"rounds": 1, "runs": 200_000, "workers": 100, "load_seconds": 8, "findings_max": 8} \
        if flags.quick else \
        {"rounds": 5, "runs": 8_000_000, "workers": 1000, "load_seconds": 240, "findings_max": 512}
    rows = measure_speed(flags.build, effort)
    more, sensible = measure_load(flags.build, effort)
    rows += more
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    for name, figure, aim in rows:
        print(f"  {name.ljust(widths[0])}  {figure.rjust(widths[1])}  {aim}".rstrip())
    return 0 if sensible else 1


START = time.monotonic()

if __name__ == "__main__":
    sys.exit(main())
