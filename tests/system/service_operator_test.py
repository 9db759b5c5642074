"""What an operator does with a coordinator, and what he sees of it."""

import json
import os
import pathlib
import pty
import re
import socket
import subprocess
import unittest
import urllib.error
import urllib.request

import cli
import cluster
from cli import BIN, CLEAN, DONE, FINDING, LIMIT, STALE_HIT, wait_until


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

    def test_the_list_counts_scenarios(self):
        self.create(CLEAN, "--name", "one")
        self.create(CLEAN, STALE_HIT, "--name", "two")

        listed = self.shootdown("campaign", "list", "--coordinator", self.address)

        self.assertRegex(listed.out, r"(?m) one +running +1 scenario +0 runs ")
        self.assertRegex(listed.out, r"(?m) two +running +2 scenarios +0 runs ")

    def test_an_import_of_nothing_says_so_and_makes_no_store(self):
        result = self.shootdown("failures", "import", "--coordinator", self.address, "--store", self.store)

        self.assertEqual(result.status, DONE, result.err)
        self.assertIn("nothing stored: the coordinator has no failure that is minimized", result.err)
        self.assertFalse(self.store.exists())

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

    def test_what_no_run_of_any_worker_has_done_is_named(self):
        for name in ("w1", "w2"):
            self.start_worker(name)
        file = self.write("sleeper.textproto", cli.SLEEPER)
        awake = self.write("awake.textproto", cli.SLEEPER.replace("wake other", "wake q")
                           .replace('"sleeper"', '"awake"'))
        campaign = self.create(file, awake, STALE_HIT, "--runs", 100_000)
        self.wait_for_campaign(campaign)
        self.server.kill()
        self.start_server()

        told = self.shootdown("campaign", "show", campaign, "--coordinator", self.address).out

        sleeper, awake, race = self.show(campaign)["scenarios"]
        self.assertEqual(sleeper["never_done"], cli.SLEEPER_NEVER_DONE_JSON)
        self.assertEqual(sleeper["never_done_runs"], 100_000)
        self.assertEqual(awake["never_done"], [])
        self.assertIsNone(race["never_done"])
        for never_done in cli.SLEEPER_NEVER_DONE:
            self.assertIn(f"\n  none of 100000 runs {never_done}\n", told)

    def test_a_campaign_that_may_keep_no_more_inputs_says_so(self):
        self.start_worker()
        full = self.create(CLEAN, "--runs", 40_000, "--inputs-max", 3)
        free = self.create(CLEAN, "--runs", 40_000)
        self.wait_for_campaign(full)
        self.wait_for_campaign(free)

        told = [self.shootdown("campaign", "show", campaign, "--coordinator", self.address).out
                for campaign in (full, free)]

        self.assertEqual([text.count("no more inputs are kept") for text in told], [1, 0], told)

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

        self.assertIn("/metrics", get("/")[1])
        self.assertEqual(get("/healthz")[0], 200)
        self.assertEqual(get("/readyz")[0], 200)
        text = self.metrics()
        self.assertRegex(text, r"(?m)^shootdown_runs_total\S* [1-9]")
        self.assertRegex(text, r"(?m)^shootdown_sync_seconds_count\S* [1-9]")
        self.assertRegex(text, r'(?m)^shootdown_findings\{state="minimized"\} [1-9]')
        with self.assertRaises(urllib.error.HTTPError):
            get("/nothing")

    def test_health_does_not_wait_for_connections_that_say_nothing(self):
        idle = []
        for _ in range(4):
            idle.append(socket.create_connection(("127.0.0.1", self.http_port)))
            self.addCleanup(idle[-1].close)

        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/readyz", timeout=60) as answer:
            self.assertEqual(answer.status, 200)

        for connection in idle:  # the server has not given them up yet
            connection.setblocking(False)
            with self.assertRaises(BlockingIOError):
                connection.recv(1)

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
        self.assertEqual(stats["campaigns"], 1)
        table = self.shootdown("coordinator", "stats", "--coordinator", self.address).out
        self.assertIn("holds      1 campaign, 0 findings, ", table)
        self.assertEqual([line for line in table.splitlines() if line.endswith(" ")], [])

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
