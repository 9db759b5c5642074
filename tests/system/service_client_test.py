"""The protocol as programs that are none of ours see it: their own clients, generic tools, and how it
says no."""

import pathlib
import resource
import unittest
import urllib.error
import urllib.request

import cli
import cluster
from cli import CLEAN, DONE, STALE_HIT, wait_until


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
        for _ in range(3):
            refused = self.campaign("create", CLEAN)
            self.assertNotEqual(refused.status, DONE)
            self.assertIn("the disk is full", refused.err)
        wait_until(lambda: health(b"", timeout=10) == b"\x08\x02", "NOT_SERVING")
        self.assertEqual(readyz(), 503)
        self.assertEqual(self.campaign("list").status, DONE)

        resource.prlimit(self.server.pid, resource.RLIMIT_FSIZE, limit)
        self.create(CLEAN)

        wait_until(lambda: health(b"", timeout=10) == b"\x08\x01", "SERVING")
        self.assertEqual(readyz(), 200)
        # Told when it changes, however often somebody has tried. The log was on the full disk too.
        told = [line for line in self.server.said().splitlines() if " commit" in line]
        self.assertEqual([line.split(" info ")[1] for line in told], ["commits succeed again"])

    def test_what_is_refused_again_and_again_is_one_line_in_the_log(self):
        import grpc
        m = cluster.messages()
        campaigns = self.stub("Campaigns")

        def refuse(campaign):
            with self.assertRaises(grpc.RpcError):
                campaigns.GetCampaign(m.campaign_pb2.GetCampaignRequest(id=campaign), timeout=10)

        for _ in range(40):
            refuse("of-old")
        refuse("of-new")

        wait_until(lambda: "of-new" in self.server.said(), "a line")
        self.assertEqual(self.server.said().count("of-old"), 1)

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


if __name__ == "__main__":
    unittest.main()
