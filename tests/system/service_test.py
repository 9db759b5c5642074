"""A campaign from its creation to the last replay, with a coordinator and four workers."""

import collections
import json
import os
import pathlib
import pty
import re
import resource
import subprocess
import unittest
import urllib.error
import urllib.request

import cli
import cluster
from cli import BIN, CLEAN, DONE, FINDING, LIMIT, LOST_BIT, STALE_HIT, wait_until


class EveryScenarioTest(cluster.ClusterTest):
    WORKERS = 4
    RUNS = 60_000
    # So rare that they take up to 50,356 schedules on one engine (corpus/README.md).
    RARE = ("7.15-tlbi-vs-rollover", "7.16-switch-mm-barrier")
    RARE_RUNS = 400_000

    def test_every_expected_bug_is_found_confirmed_elsewhere_minimized_and_replays_anywhere(self):
        expected = {row["name"]: row["expected"]
                    for row in self.shootdown("scenarios", "--json").json()["scenarios"]}
        self.start_server()
        for number in range(self.WORKERS):
            self.start_worker(f"w{number}")

        campaign = self.create(*expected, "--name", "everything", "--runs", self.RUNS)
        ended = self.wait_for_campaign(campaign, seconds=240)
        rare = self.create(*self.RARE, "--name", "rare", "--runs", self.RARE_RUNS)
        self.assertEqual(self.wait_for_campaign(rare, seconds=120)["state"], "done")

        self.assertEqual(ended["state"], "done", ended)
        rows = self.findings()
        verdicts = {name: {r["check"] for r in rows if r["scenario"] == name} for name in expected}
        for name, check in expected.items():
            with self.subTest(scenario=name):
                self.assertEqual(verdicts[name], set() if check == "clean" else {check})
        for scenario in ended["scenarios"]:
            if expected[scenario["name"]] == "clean":
                self.assertGreaterEqual(scenario["runs"], self.RUNS)
        self.assert_confirmed_by_another_worker(rows)
        self.assert_exports_replay_without_a_store(rows)
        for worker in self.workers.values():
            self.assertEqual(worker.stop(), DONE, worker.said())
        self.assertEqual(self.server.stop(), DONE, self.server.said())
        checked = self.fsck()
        self.assertEqual(checked.status, DONE, checked.out + checked.err)
        self.assert_is_a_store_like_any_other(rows)

    def assert_confirmed_by_another_worker(self, rows):
        findings = self.stub("Findings")
        request = cluster.messages().finding_pb2.GetFindingRequest
        for row in rows:
            finding = findings.GetFinding(request(id=row["id"])).finding
            self.assertEqual(row["state"], "minimized", finding.words)
            self.assertNotEqual(finding.found_by, finding.confirmed_by, finding.words)
            self.assertTrue(finding.failure.minimized)
            self.assertNotEqual(finding.failure.minimality, 0, "it was not asked for the minimum")

    def assert_exports_replay_without_a_store(self, rows):
        for row in rows:
            file = self.folder / f"{row['id']}.failure"
            result = self.shootdown("failures", "export", row["id"], "--coordinator", self.address,
                                    "-o", file)
            self.assertEqual(result.status, DONE, result.err)
            self.assert_replays(file)
        self.assertFalse((self.folder / "home").exists(), "a replay of a file made a store")

    def assert_is_a_store_like_any_other(self, rows):
        """The data folder, and what a user takes from a coordinator into his own store."""
        listed = self.shootdown("failures", "list", "--store", self.data, "--json")
        self.assertEqual({r["id"] for r in listed.json()["failures"]}, {r["id"] for r in rows})


class OneMachineAndManyTest(cluster.ClusterTest):
    # Of each check one that breaks soon, on several architectures, and one where nothing does.
    SCENARIOS = (STALE_HIT, LOST_BIT, "7.24-mprotect-batched-reclaim", "W5-publishes-mm-late",
                 "W7-double-drop", "W7-no-drop", "W14-trims-with-irqs-off", CLEAN)

    def test_a_campaign_finds_what_fuzz_finds_on_one_machine(self):
        self.start_server()
        for number in range(2):
            self.start_worker(f"w{number}")
        words = [*self.SCENARIOS, "--runs", 30_000, "--keep-going"]
        campaign = self.create(*words, "--findings-max", 4)
        self.wait_for_campaign(campaign, seconds=120)
        result = self.shootdown("failures", "import", "--coordinator", self.address, "--store",
                                self.store)
        self.assertEqual(result.status, DONE, result.err)
        alone = self.folder / "alone"
        self.fuzz(*words, store=alone)

        def bugs(store):
            rows = self.shootdown("failures", "list", "--store", store, "--json").json()["failures"]
            return {(r["scenario"], r["check"]) for r in rows}

        expected = {row["name"]: row["expected"]
                    for row in self.shootdown("scenarios", "--json").json()["scenarios"]}
        self.assertEqual(bugs(self.store), bugs(alone))
        self.assertEqual(bugs(alone), {(name, expected[name]) for name in self.SCENARIOS
                                             if expected[name] != "clean"})
        self.assertEqual(self.server.stop(), DONE, self.server.said())
        self.assert_merge_in_either_order(alone, self.data)

    def merge(self, other, store):
        result = self.shootdown("failures", "merge", other, "--store", store)
        self.assertEqual(result.status, DONE, result.err)

    def inputs_and_failures(self, store):
        return self.run_program(cli.SURGEON, store, "list", "contents").out.splitlines()

    def assert_merge_in_either_order(self, one, other):
        def contents(store):
            rows = self.shootdown("failures", "list", "--store", store, "--json").json()["failures"]
            for row in rows:
                file = self.folder / "exported"
                self.shootdown("failures", "export", row["id"], "--store", store, "-o", file)
                row["file"] = file.read_text()
            return rows

        first, second = self.folder / "first", self.folder / "second"
        for merged, parts in ((first, (one, other)), (second, (other, one))):
            for part in parts:
                self.merge(part, merged)
        both = contents(first)
        self.assertEqual(both, contents(second))
        self.assertEqual({row["id"] for row in both},
                         {row["id"] for part in (one, other) for row in contents(part)})
        self.assertEqual(self.inputs_and_failures(first), self.inputs_and_failures(second))
        self.assertGreater(len(self.inputs_and_failures(first)), len(both))
        self.merge(second, first)
        self.assertEqual(contents(first), both)
        absent = self.shootdown("failures", "merge", self.folder / "absent", "--store", first)
        self.assert_refused(absent, "absent")

    def test_workers_together_estimate_what_one_process_counts(self):
        # Draws that do not depend on each other, so that it does not matter who makes them.
        words = ["seed-lost-bit-clone", "--runs", 50_000, "--strategy", "pos", "--keep-going"]
        self.start_server()
        for number in range(2):
            self.start_worker(f"w{number}")
        ended = self.wait_for_campaign(self.create(*words), seconds=120)
        alone = self.fuzz(*words, "--json").json()["scenarios"][0]

        for joined in (ended, ended["scenarios"][0]):
            self.assertEqual(joined["behaviours_runs"], 50_000)
            self.assertGreater(joined["behaviours"], 511)  # so it is a sample
            self.assertLess(abs(joined["behaviours"] / alone["behaviours"] - 1), 0.25)
            # Far more than four standard deviations.
            widths = sum(of["new_behaviours_per_run_high"] - of["new_behaviours_per_run_low"]
                         for of in (joined, alone))
            self.assertLess(abs(joined["new_behaviours_per_run"] - alone["new_behaviours_per_run"]),
                            widths)

    def test_a_bug_that_is_found_all_the_time_is_kept_sixteen_times_and_listed_once(self):
        self.start_server()
        self.start_worker()
        self.wait_for_campaign(self.create(STALE_HIT, "--runs", 400_000, "--keep-going"), seconds=120)

        every = self.findings()
        bugs = self.findings("--json")

        m = cluster.messages()
        listed = self.stub("Findings").ListFindings(m.finding_pb2.ListFindingsRequest(page_size=1000))
        kinds = collections.Counter(f.failure.kind_key for f in listed.findings)
        self.assertEqual(max(kinds.values()), 16, kinds)
        self.assertEqual(sum(kinds.values()), len(every))
        self.assertEqual(sorted(r["signature"] for r in bugs), sorted({r["signature"] for r in every}))


class OperatorTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.start_server()

    def test_a_scenario_by_its_name_and_as_a_file_are_one(self):
        by_name = self.show(self.create(CLEAN))
        by_file = self.show(self.create(pathlib.Path(cli.CORPUS) / f"{CLEAN}.textproto"))

        self.assertEqual(by_file["scenarios"][0]["key"], by_name["scenarios"][0]["key"])

    def test_creating_twice_with_one_request_id_gives_one_campaign(self):
        first = self.create(CLEAN, "--request-id", "mine")

        self.assertEqual(self.create(CLEAN, "--request-id", "mine"), first)
        other = self.campaign("create", STALE_HIT, "--request-id", "mine")
        self.assert_refused(other, "mine")

    def test_a_campaign_without_workers_says_what_it_waits_for(self):
        campaign = self.create(CLEAN)

        tasks = self.show(campaign)["tasks"]

        self.assertEqual([(t["kind"], t["state"]) for t in tasks], [("fuzz", "waiting")])
        self.assertIn("worker", tasks[0]["reason"])

    def test_pause_stop_and_delete(self):
        campaign = self.create(CLEAN)
        for verb, state in (("pause", "paused"), ("pause", "paused"), ("resume", "running"),
                            ("stop", "stopped"), ("stop", "stopped")):
            with self.subTest(verb=verb):
                result = self.campaign(verb, campaign)
                self.assertEqual((result.status, result.json()["state"]), (DONE, state), result.err)

        self.assert_refused(self.campaign("resume", campaign))
        self.assertEqual(self.campaign("delete", campaign).status, DONE)
        self.assert_refused(self.campaign("show", campaign))

    def test_a_restart_forgets_nothing(self):
        self.start_worker()
        campaign = self.create(STALE_HIT, CLEAN, "--runs", 100_000)
        before = self.wait_for_campaign(campaign)
        rows = self.findings()
        self.server.kill()
        self.start_server()

        after = self.show(campaign)

        for volatile in ("workers", "runs_per_second", "seconds_left", "tasks"):
            before.pop(volatile), after.pop(volatile)
        self.assertEqual(after, before)
        self.assertEqual(self.findings(), rows)

    def test_watch_ends_with_the_campaign_and_says_whether_something_was_found(self):
        self.start_worker()

        self.assertEqual(self.campaign("create", STALE_HIT, "--watch").status, FINDING)
        self.assertEqual(self.campaign("create", CLEAN, "--watch", "--runs", 30_000).status, DONE)

    def test_the_live_line_says_how_far_it_is_and_what_is_left_to_see(self):
        self.start_worker()
        campaign = self.create(CLEAN, "--runs", 2**50)
        terminal, its_end = pty.openpty()
        self.addCleanup(os.close, terminal)
        watching = subprocess.Popen(
            [str(BIN / "shootdown"), "campaign", "watch", campaign, "--coordinator", self.address],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=its_end,
            env=self.environment())
        self.addCleanup(watching.wait)
        self.addCleanup(watching.kill)
        os.close(its_end)
        said = bytearray()

        def line():
            said.extend(os.read(terminal, 4096))
            return re.search(rb"1 worker, [1-9]\d* runs, [1-9]\d* runs/s, [1-9]\d* features, "
                             rb"[1-9]\d* behaviours \([\de.-]+ % of runs new\), findings: none", said)

        wait_until(line, "a live line")
        shown = self.shootdown("campaign", "show", campaign, "--coordinator", self.address).out
        self.assertRegex(shown, r"(?m)^behaviours \d+ distinct in \d+ runs; of more runs like these .* % would "
                                r"show a new one \(95 %: ")

    def test_watch_waits_for_a_coordinator_that_goes_away_and_ends_on_sigterm(self):
        campaign = self.create(CLEAN, "--runs", 10_000)
        watching = cluster.Program(self, "watch", [
            BIN / "shootdown", "campaign", "watch", campaign, "--coordinator", self.address])
        wait_until(lambda: "\nshootdown_streams 1\n" in self.metrics(), "the stream")
        self.server.kill()
        wait_until(lambda: "waiting for it" in watching.said(), "words about the absence")
        self.start_server()
        wait_until(lambda: "is back" in watching.said(), "words about the return")
        self.start_worker()

        self.assertEqual(watching.process.wait(cli.TIMEOUT), DONE, watching.said())
        self.assertIn("state      done", watching.said())
        endless = cluster.Program(self, "endless", [
            BIN / "shootdown", "campaign", "watch", self.create(CLEAN, "--runs", 2**50),
            "--coordinator", self.address])
        wait_until(lambda: "\nshootdown_streams 1\n" in self.metrics(), "the stream")
        self.assertEqual(endless.stop(), LIMIT, endless.said())

    def test_metrics_and_health_are_served(self):
        def get(path):
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=5) as r:
                return r.status, r.read().decode()

        self.start_worker()
        self.wait_for_campaign(self.create(STALE_HIT))

        self.assertEqual(get("/healthz")[0], 200)
        self.assertEqual(get("/readyz")[0], 200)
        text = self.metrics()
        self.assertRegex(text, r"(?m)^shootdown_runs_total\S* [1-9]")
        self.assertRegex(text, r"(?m)^shootdown_sync_seconds_count\S* [1-9]")
        self.assertRegex(text, r'(?m)^shootdown_findings\{state="minimized"\} [1-9]')
        with self.assertRaises(urllib.error.HTTPError):
            get("/nothing")

    def test_a_worker_drains_on_sigterm_and_gives_its_lease_back(self):
        worker = self.start_worker(jobs=2)
        campaign = self.create(CLEAN, "--runs", 50_000_000)
        wait_until(lambda: self.show(campaign)["runs"] > 0, "runs")

        self.assertEqual(worker.stop(), DONE, worker.said())

        leased = [t for t in self.show(campaign)["tasks"] if t["state"] == "leased"]
        self.assertEqual(leased, [])

    def test_each_line_of_a_json_log_is_one_object(self):
        self.server.stop()
        self.start_server("--log", "json")
        # A scenario that workers refuse, in words with quotes.
        text = (pathlib.Path(cli.CORPUS) / f"{STALE_HIT}.textproto").read_text()
        m = cluster.messages()
        spec = m.campaign_pb2.CampaignSpec(
            name="refused", budget=m.campaign_pb2.CampaignBudget(run_count=1000),
            scenarios=[m.campaign_pb2.CampaignScenario(
                text=text.replace('op: "', 'op: "frobnicate \\"', 1))])
        worker = self.start_worker("w1", "--log", "json")
        self.wait_for_campaign(self.create(STALE_HIT))
        self.stub("Campaigns").CreateCampaign(
            m.campaign_pb2.CreateCampaignRequest(spec=spec, request_id="refused"), timeout=10)
        wait_until(lambda: "frobnicate" in worker.said(), "the refusal")

        words = [json.loads(line) for line in worker.said().splitlines()]
        self.assertTrue(any("frobnicate" in w.get("words", "") and w["lease"] for w in words))
        # Before it was started again, the coordinator spoke to people.
        lines = [line for line in self.server.said().splitlines() if line.startswith("{")]
        self.assertGreater(len([json.loads(line) for line in lines]), 1)
        found = next(w for w in map(json.loads, lines) if w["event"] == "finding")
        self.assertEqual(found["finding"], self.findings()[0]["id"])
        self.assertRegex(found["campaign"], "^[0-9a-f]{16}$")
        self.assertRegex(found["worker"], "^[0-9a-f]{16}$")

    def test_a_port_or_a_folder_that_is_taken_is_named(self):
        other, free = self.folder / "other", f"127.0.0.1:{cluster.free_port()}"
        for words, named in ((["--data", other, "--listen", self.address], "is the port taken"),
                             (["--data", other, "--listen", free, "--http",
                               f"127.0.0.1:{self.http_port}"], "is the port taken"),
                             (["--data", self.data, "--listen", free], "another process has it open")):
            result = self.run_program(BIN / "shootdown-server", *words)
            self.assertEqual(result.status, cli.BAD_INPUT, result.err)
            self.assertIn(named, result.err.splitlines()[-1])
        self.assertEqual(self.campaign("list").status, DONE)

    def test_another_machine_needs_tls_or_insecure(self):
        for program, words in ((BIN / "shootdown-server", ["--data", self.folder / "d", "--listen",
                                                           "0.0.0.0:0"]),
                               (BIN / "shootdown-worker", ["--coordinator", "192.0.2.1:1", "--state",
                                                           self.folder / "s"])):
            result = self.run_program(program, *words)
            self.assertEqual(result.status, cli.BAD_INPUT, result.err)
            self.assertIn("--insecure", result.err)


    def test_a_state_folder_that_is_not_a_workers_is_refused(self):
        foreign = self.folder / "foreign"
        foreign.mkdir()
        (foreign / "diary").write_text("mine")

        result = self.run_program(BIN / "shootdown-worker", "--coordinator", "127.0.0.1:1", "--state", foreign)

        self.assertEqual(result.status, cli.BAD_INPUT, result.err)
        self.assertIn(f"state folder {foreign}: is no worker's", result.err)
        self.assertEqual([p.name for p in foreign.iterdir()], ["diary"])


class GeneratedClientTest(cluster.ClusterTest):
    """Any client that is generated from the installed .proto files, here in Python, has all of the
    service."""

    def test_a_campaign_from_another_language(self):
        m = cluster.messages()
        self.start_server()
        self.start_worker()
        text = (pathlib.Path(cli.CORPUS) / f"{STALE_HIT}.textproto").read_text()
        spec = m.campaign_pb2.CampaignSpec(
            name="from-python", stop_at_first_finding=True,
            scenarios=[m.campaign_pb2.CampaignScenario(text=text)],
            budget=m.campaign_pb2.CampaignBudget(run_count=1_000_000))
        campaigns = self.stub("Campaigns")

        created = campaigns.CreateCampaign(
            m.campaign_pb2.CreateCampaignRequest(spec=spec, request_id="python"), timeout=10)
        last = None
        for last in campaigns.WatchCampaign(
                m.campaign_pb2.WatchCampaignRequest(id=created.campaign.id, interval_ms=100),
                timeout=60):
            pass

        self.assertEqual(last.campaign.state, m.campaign_pb2.CAMPAIGN_STATE_DONE)
        listed = self.stub("Findings").ListFindings(
            m.finding_pb2.ListFindingsRequest(campaign_id=created.campaign.id), timeout=10)
        watched = self.stub("Findings").WatchFindings(
            m.finding_pb2.WatchFindingsRequest(campaign_id=created.campaign.id), timeout=60)
        self.assertEqual(next(watched).finding.id, listed.findings[0].id)
        watched.cancel()
        self.assertEqual([f.failure.check for f in listed.findings], ["stale_tlb_use"])
        exported = self.stub("Findings").ExportFinding(
            m.finding_pb2.ExportFindingRequest(id=listed.findings[0].id), timeout=10)
        self.assert_replays(self.write("exported.failure", exported.failure_file))
        stats = self.stub("Admin").GetStats(m.admin_pb2.GetStatsRequest(), timeout=10)
        self.assertEqual(stats.finding_count, 1)


class ToolsTest(cluster.ClusterTest):
    """What grpc_cli and others ask a server that they know nothing of; and how it says no."""

    def setUp(self):
        super().setUp()
        self.start_server()

    def channel(self):
        import grpc
        channel = grpc.insecure_channel(self.address, options=[("grpc.enable_http_proxy", 0)])
        self.addCleanup(channel.close)
        return channel

    def test_health_and_reflection(self):
        channel = self.channel()

        health = channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=10)
        reflect = channel.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        # list_services: field 7; file_containing_symbol: field 4.
        services, file = list(reflect(iter([b"\x3a\x00", b"\x22\x18shootdown.v1.SyncRequest"]),
                                      timeout=10))

        self.assertEqual(health, b"\x08\x01")  # SERVING
        for name in ("Campaigns", "Work", "Findings", "Admin"):
            self.assertIn(f"shootdown.v1.{name}".encode(), services)
        self.assertIn(b"shootdown/v1/work.proto", file)

    def test_who_cannot_store_anything_is_not_ready(self):
        health = self.channel().unary_unary("/grpc.health.v1.Health/Check")

        def readyz():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/readyz", timeout=5):
                    return 200
            except urllib.error.HTTPError as error:
                return error.code

        limit = resource.prlimit(self.server.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.server.pid, resource.RLIMIT_FSIZE, (0, limit[1]))  # as a full disk
        self.assertNotEqual(self.campaign("create", CLEAN).status, DONE)
        wait_until(lambda: health(b"", timeout=10) == b"\x08\x02", "NOT_SERVING")
        self.assertEqual(readyz(), 503)
        self.assertEqual(self.campaign("list").status, DONE)

        resource.prlimit(self.server.pid, resource.RLIMIT_FSIZE, limit)
        self.create(CLEAN)

        wait_until(lambda: health(b"", timeout=10) == b"\x08\x01", "SERVING")
        self.assertEqual(readyz(), 200)

    def refused(self, call):
        """RESOURCE_EXHAUSTED: its words, and after how many milliseconds to come back."""
        import grpc
        with self.assertRaises(grpc.RpcError) as raised:
            call()
        error = raised.exception
        self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED, error)
        return error.details(), int(dict(error.trailing_metadata())["retry-after-ms"])

    def test_above_a_limit_one_is_told_when_to_come_back(self):
        m = cluster.messages()
        text = (pathlib.Path(cli.CORPUS) / f"{CLEAN}.textproto").read_text()
        spec = m.campaign_pb2.CampaignSpec(
            name="many", budget=m.campaign_pb2.CampaignBudget(run_count=1),
            scenarios=[m.campaign_pb2.CampaignScenario(text=text)])
        campaigns, work = self.stub("Campaigns"), self.stub("Work")

        def create(number):
            return campaigns.CreateCampaign(m.campaign_pb2.CreateCampaignRequest(
                spec=spec, request_id=str(number)), timeout=10).campaign.id

        ids = [create(number) for number in range(64)]
        self.assertEqual(self.refused(lambda: create(64)),
                         ("campaigns: 64 are open, at most 64 may be", 60_000))
        campaigns.StopCampaign(m.campaign_pb2.StopCampaignRequest(id=ids[0]), timeout=10)
        create(64)

        request = m.campaign_pb2.WatchCampaignRequest(id=ids[1])
        streams = [campaigns.WatchCampaign(request) for _ in range(32)]
        for stream in streams:
            next(stream)
        self.assertEqual(self.refused(lambda: next(campaigns.WatchCampaign(request))),
                         ("streams: 32 are open, the limit", 10_000))
        for stream in streams:
            stream.cancel()

        def hurry():
            for sequence in range(1, 10_000):
                work.Sync(m.work_pb2.SyncRequest(worker_key="5" * 32, worker_name="hasty",
                                                 model_version="m", sequence=sequence), timeout=10)

        words, after_ms = self.refused(hurry)
        self.assertIn("more than 50 Syncs a second", words)
        self.assertEqual(after_ms, 250)


class LookingAfterTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.start_server()
        self.start_worker()

    def done(self, *words):
        result = self.coordinator(*words)
        self.assertEqual(result.status, DONE, result.err)
        return result.json()

    def test_stats_name_the_workers_and_one_is_drained_by_its_name(self):
        self.create(CLEAN, "--runs", 2**50)
        wait_until(lambda: self.done("stats")["workers"], "the worker")
        stats = self.done("stats")
        self.assertEqual([(w["name"], w["jobs"]) for w in stats["workers"]], [("w1", 1)])
        self.assertEqual((stats["epoch"], stats["campaigns"]), (1, 1))

        drained = self.done("drain", "w1")

        self.assertEqual(drained["worker"], stats["workers"][0]["id"])
        self.assertEqual(self.workers["w1"].process.wait(cli.TIMEOUT), DONE)
        self.assert_refused(self.coordinator("drain", "nobody"), "nobody")

    def test_a_backup_is_a_data_folder_in_its_own_right(self):
        campaign = self.create(STALE_HIT)
        self.wait_for_campaign(campaign)
        rows = self.findings()
        backup = self.done("backup", "monday")
        self.assertGreater(backup["bytes"], 0)
        self.assert_refused(self.coordinator("backup", "monday"), "monday")
        self.server.kill()
        self.data = self.folder / "restored"
        pathlib.Path(backup["path"]).rename(self.data)

        self.start_server()

        self.assertEqual(self.findings(), rows)
        self.assertEqual(self.show(campaign)["state"], "done")

    def test_retention_says_what_it_drops_and_keeps_failures(self):
        old = self.create(STALE_HIT, "--name", "old")
        self.wait_for_campaign(old)
        running = self.create(CLEAN, "--runs", 2**50)
        wait_until(lambda: self.show(running)["scenarios"][0]["corpus"] > 0, "inputs")
        self.assertEqual(self.done("compact", "--ended-days", 1)["campaigns"], [])

        foreseen = self.done("compact", "--ended-days", 0, "--dry-run")
        self.assertEqual(self.show(old)["state"], "done")
        dropped = self.done("compact", "--ended-days", 0)

        self.assertEqual(dropped["campaigns"], foreseen["campaigns"])
        self.assertEqual([(c["id"], c["name"], c["findings"]) for c in dropped["campaigns"]],
                         [(old, "old", 1)])
        self.assertGreaterEqual(dropped["inputs"], dropped["campaigns"][0]["inputs"])
        self.assertGreater(dropped["campaigns"][0]["inputs"], 0)
        self.assert_refused(self.campaign("show", old))
        self.assertEqual(self.show(running)["state"], "running")
        self.assertEqual(self.findings(), [])
        self.assertEqual(self.server.stop(), DONE)
        kept = self.shootdown("failures", "list", "--store", self.data, "--json").json()["failures"]
        self.assertEqual(len(kept), 1)
        self.assertEqual(self.fsck().status, DONE)


if __name__ == "__main__":
    unittest.main()
