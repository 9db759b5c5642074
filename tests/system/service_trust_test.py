"""Certificates, roles and garbage: refused with the right code, and nothing else happens."""

import random
import re
import shutil
import socket
import ssl
import time
import unittest

import cli
import cluster
from cli import CLEAN, DONE, LOST_BIT, STALE_HIT, wait_until


class TrustTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.certs = self.folder / "certs"
        self.make("server", "127.0.0.1", "localhost")
        self.operator = self.make("operator", "op")
        self.viewer = self.make("viewer", "eye")
        self.worker = self.make("worker", "w1")
        self.start_server(*self.flags(self.certs / "server"))

    def make(self, role, *names, folder=None, days=90):
        """A certificate; its path without the ending."""
        folder = folder or self.certs
        result = self.run_program(cluster.ROOT / "deploy" / "make-certs.sh", folder, role, *names,
                                  env=self.environment(DAYS=str(days)))
        self.assertEqual(result.status, DONE, result.err)
        return folder / ("server" if role == "server" else f"{role}-{names[0]}")

    def flags(self, base, ca=None):
        return ["--tls-ca", ca or self.certs / "ca.pem", "--tls-cert", f"{base}.pem", "--tls-key",
                f"{base}-key.pem"]

    def channel(self, base, ca=None):
        import grpc
        credentials = grpc.ssl_channel_credentials(
            (ca or self.certs / "ca.pem").read_bytes(),
            (base.parent / f"{base.name}-key.pem").read_bytes(),
            (base.parent / f"{base.name}.pem").read_bytes())
        channel = grpc.secure_channel(self.address, credentials,
                                      options=[("grpc.enable_http_proxy", 0)])
        self.addCleanup(channel.close)
        return channel

    def code(self, channel, method, payload=b""):
        """The status code with which a raw call ends; None if it succeeds, or its stream begins."""
        import grpc
        path = f"/shootdown.v1.{method}"
        try:
            if method in ("Campaigns/WatchCampaign", "Findings/WatchFindings"):
                stream = channel.unary_stream(path)(payload, timeout=5)
                try:
                    next(stream)
                finally:
                    stream.cancel()
            else:
                channel.unary_unary(path)(payload, timeout=5)
        except grpc.RpcError as error:
            return error.code().name
        return None

    def test_a_whole_campaign_over_tls(self):
        self.start_worker("w1", *self.flags(self.worker))
        created = self.campaign("create", STALE_HIT, "--watch", *self.flags(self.operator))
        self.assertEqual(created.status, cli.FINDING, created.err)
        listed = self.shootdown("failures", "list", "--coordinator", self.address, "--json",
                                *self.flags(self.viewer))
        self.assertEqual(len(listed.json()["failures"]), 1)

    def test_workers_that_are_killed_over_tls_lose_nothing_that_was_acknowledged(self):
        draw = random.Random(1)
        names = {"w1": self.worker, "w2": self.make("worker", "w2")}
        for name, base in names.items():
            self.start_worker(name, *self.flags(base))
        campaign = self.create(STALE_HIT, LOST_BIT, "--runs", 60_000, "--keep-going",
                               *self.flags(self.operator))
        for _ in range(12):
            time.sleep(draw.uniform(0, 0.3))
            name = draw.choice(sorted(names))
            self.workers[name].kill()
            self.start_worker(name, *self.flags(names[name]))

        ended = wait_until(lambda: self.state_of(campaign) == "done", "the end", pause=0.2)

        self.assertTrue(ended)
        for worker in self.workers.values():
            self.assertEqual(worker.stop(), DONE, worker.said())
        self.assertEqual(self.server.stop(), DONE, self.server.said())
        checked = self.fsck()
        self.assertEqual(checked.status, DONE, checked.out + checked.err)
        self.assertRegex(checked.out, "receipts: [1-9][0-9]* findings, 0 of them forgotten")

    def state_of(self, campaign):
        result = self.campaign("show", campaign, *self.flags(self.operator))
        return result.json()["state"] if result.status == DONE else None

    def test_each_role_may_do_its_own_and_no_more(self):
        channels = {"operator": self.channel(self.operator), "viewer": self.channel(self.viewer),
                    "worker": self.channel(self.worker)}
        allowed = {
            "Campaigns/CreateCampaign": {"operator"},
            "Campaigns/GetCampaign": {"operator", "viewer"},
            "Campaigns/ListCampaigns": {"operator", "viewer"},
            "Campaigns/PauseCampaign": {"operator"},
            "Campaigns/ResumeCampaign": {"operator"},
            "Campaigns/StopCampaign": {"operator"},
            "Campaigns/DeleteCampaign": {"operator"},
            "Findings/ListFindings": {"operator", "viewer"},
            "Findings/GetFinding": {"operator", "viewer"},
            "Findings/ExportFinding": {"operator", "viewer"},
            "Admin/GetStats": {"operator", "viewer"},
            "Admin/Compact": {"operator"},
            "Admin/Backup": {"operator"},
            "Admin/DrainWorker": {"operator"},
            "Work/Sync": {"worker"},
        }
        for method, roles in allowed.items():
            for role, channel in channels.items():
                with self.subTest(method=method, role=role):
                    code = self.code(channel, method)
                    if role in roles:
                        self.assertNotEqual(code, "PERMISSION_DENIED")
                    else:
                        self.assertEqual(code, "PERMISSION_DENIED")
                        self.assert_logged(method, "PERMISSION_DENIED",
                                           rf'"[^"]*{role}[^"]*"')
        self.assert_nothing_happened()

    def test_who_is_not_known_is_not_heard(self):
        elsewhere = self.folder / "elsewhere"
        stranger = self.make("operator", "stranger", folder=elsewhere)
        expired = self.make("operator", "expired", days=-1)
        for name, channel in (("another authority", self.channel(stranger)),
                              ("expired", self.channel(expired)),
                              ("server of another authority",
                               self.channel(self.operator, elsewhere / "ca.pem"))):
            with self.subTest(name):
                # The words may be the same, and are said once a minute.
                self.server.kill()
                self.start_server(*self.flags(self.certs / "server"))
                said = self.handshakes_failed()
                self.assertEqual(self.code(channel, "Campaigns/ListCampaigns"), "UNAVAILABLE")
                wait_until(lambda: self.handshakes_failed() > said, "words in the log")
        self.assert_nothing_happened()

    def test_files_that_cannot_be_used_are_named_and_nothing_begins(self):
        ca, cert, key = self.certs / "ca.pem", f"{self.worker}.pem", f"{self.worker}-key.pem"
        garbage, folder, rsa = self.write("garbage", "no PEM\n"), self.folder / "folder", self.folder / "rsa.pem"
        folder.mkdir()
        ended = self.make("worker", "ended", days=-1)
        made = self.run_program("openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-out", rsa)
        self.assertEqual(made.status, DONE, made.err)
        programs = (("shootdown", "campaign", "list", "--coordinator", self.address),
                    ("shootdown-worker", "--coordinator", self.address, "--state", self.folder / "state"),
                    ("shootdown-server", "--listen", "127.0.0.1:0", "--data", self.folder / "new"))
        for files, words in (((folder, cert, key), f"{folder}: is a folder"),
                             ((ca, folder, key), f"{folder}: is a folder"),
                             ((ca, cert, folder), f"{folder}: is a folder"),
                             ((garbage, cert, key), f"{garbage}: found no certificate"),
                             ((ca, garbage, key), f"{garbage}: found no certificate"),
                             ((ca, cert, garbage), f"{garbage}: found no key"),
                             ((ca, cert, f"{self.viewer}-key.pem"), f"is not the key of {cert}"),
                             ((ca, cert, rsa), f"{rsa}: is not the key of {cert}"),
                             ((ca, f"{ended}.pem", f"{ended}-key.pem"), f"{ended}.pem: ran out at 20")):
            for program, *flags in programs:
                with self.subTest(program=program, words=words):
                    result = self.run_program(cli.BIN / program, *flags, "--tls-ca", files[0], "--tls-cert",
                                              files[1], "--tls-key", files[2])

                    self.assertEqual((result.status, result.out), (cli.BAD_INPUT, ""), result.err)
                    self.assertEqual(len(result.lines()), 1, result.err)
                    self.assertIn(words, result.err)
        self.assertFalse((self.folder / "state").exists())
        self.assertFalse((self.folder / "new").exists())

    def test_a_worker_whose_certificate_runs_out_says_so(self):
        worker = self.start_worker("w1", *self.flags(self.worker))
        wait_until(lambda: "worker connected" in self.server.said(), "the worker")
        self.make("worker", "w1", days=-1)

        self.server.kill()

        words = rf"warning the coordinator does not answer, going on without it words=.*{self.worker}.pem: ran out at 20"
        wait_until(lambda: re.search(words, worker.said()), "words about the certificate")

    def assert_nothing_happened(self):
        """No campaign, no worker, no finding, no commit but the start's, no backup."""
        stats = self.coordinator("stats", *self.flags(self.operator)).json()
        self.assertEqual([stats[what] for what in ("campaigns", "workers", "findings", "inputs", "commits")],
                         [0, [], 0, 0, 1], stats)
        self.assertFalse((self.data / "backups").exists())

    def handshakes_failed(self):
        return len(re.findall(r"warning gRPC words=.*[Hh]andshake", self.server.said()))

    def test_a_certificate_without_a_role_may_do_nothing(self):
        channel = self.channel(self.certs / "server")

        for method in ("Campaigns/ListCampaigns", "Work/Sync"):
            self.assertEqual(self.code(channel, method), "PERMISSION_DENIED")
            self.assert_logged(method, "PERMISSION_DENIED")

    def assert_logged(self, method, code, words=""):
        """A line for a call that was refused."""
        line = re.compile(rf"warning call refused method=/shootdown\.v1\.{method} peer=\S*127\.0\.0\.1\S* "
                          rf"code={code} words={words}")
        wait_until(lambda: line.search(self.server.said()), f"words about {method}: {code}")

    def test_plain_text_to_a_tls_port_is_refused(self):
        plain = self.campaign("list")
        self.assertNotEqual(plain.status, DONE)
        wait_until(self.handshakes_failed, "words in the log")
        said = self.handshakes_failed()
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as raw:
            raw.sendall(b"GET / HTTP/1.1\r\n\r\n")
            raw.settimeout(10)
            self.assertNotIn(b"200", raw.recv(100))
        wait_until(lambda: self.handshakes_failed() > said, "words in the log")
        self.assert_nothing_happened()

        self.assertEqual(self.campaign("list", *self.flags(self.operator)).status, DONE)

    def test_garbage_to_every_rpc_changes_nothing(self):
        draw = random.Random(1)
        channels = [self.channel(self.operator), self.channel(self.worker)]
        m = cluster.messages()
        methods = [f"{service.name}/{method.name}"
                   for file in (m.campaign_pb2, m.work_pb2, m.finding_pb2, m.admin_pb2)
                   for service in file.DESCRIPTOR.services_by_name.values()
                   for method in service.methods]
        before = self.campaign("list", *self.flags(self.operator)).out
        # Bytes that are no message, of which no service hears, and a message that says nothing.
        for payload, code in ((b"\xff\xff", "INTERNAL"), (b"", "INVALID_ARGUMENT")):
            self.assertEqual(self.code(channels[1], "Work/Sync", payload), code)
            self.assert_logged("Work/Sync", code)
        for method in methods:
            for _ in range(30):
                payload = draw.randbytes(draw.choice([1, 8, 100, 5000]))
                for channel in channels:
                    self.assertIn(self.code(channel, method, payload),
                                  {None, "INVALID_ARGUMENT", "INTERNAL", "NOT_FOUND",
                                   "PERMISSION_DENIED", "UNAUTHENTICATED", "FAILED_PRECONDITION",
                                   "RESOURCE_EXHAUSTED"})
        self.assertLess(self.server.said().count("call refused"), 400, "a flood in the log")
        self.assertNotIn("libprotobuf", self.server.said(), "words that are no line of the log")
        self.assertFalse((self.data / "backups").exists())
        huge = b"\x0a" + b"\xff\xff\xff\x7f" + b"x" * (5 << 20)
        self.assertEqual(self.code(channels[1], "Work/Sync", huge), "RESOURCE_EXHAUSTED")
        self.assertTrue(self.server.alive(), self.server.said())
        self.assertEqual(self.campaign("list", *self.flags(self.operator)).out, before)
        self.start_worker("w1", *self.flags(self.worker))
        self.assertEqual(self.campaign("create", CLEAN, "--runs", 10_000, "--watch",
                                       *self.flags(self.operator)).status, DONE)

    def test_a_renewed_certificate_is_served_without_a_restart(self):
        def served():
            context = ssl.create_default_context(cafile=str(self.certs / "ca.pem"))
            context.load_cert_chain(f"{self.operator}.pem", f"{self.operator}-key.pem")
            context.set_alpn_protocols(["h2"])
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as raw, \
                    context.wrap_socket(raw, server_hostname="127.0.0.1") as tls:
                return tls.getpeercert()["serialNumber"]

        first = served()

        self.make("server", "127.0.0.1", "localhost")

        wait_until(lambda: served() != first, "the new certificate", seconds=40)

    def test_a_worker_takes_up_a_renewed_certificate_without_a_restart(self):
        # It begins with one that gives no right to work, which an operator then mends in place.
        mine = self.certs / "mine"

        def use(base):
            for ending in ("-key.pem", ".pem"):
                part = mine.with_name("part")
                shutil.copy(f"{base}{ending}", part)
                part.rename(f"{mine}{ending}")

        use(self.viewer)
        worker = self.start_worker("w1", *self.flags(mine))
        wait_until(lambda: "PERMISSION_DENIED" in self.server.said(), "a refusal")
        use(self.worker)
        created = self.campaign("create", CLEAN, "--runs", 10_000, *self.flags(self.operator))
        campaign = created.json()["id"]

        wait_until(lambda: self.state_of(campaign) == "done", "work under the new certificate",
                   pause=0.5)
        self.assertTrue(worker.alive())


if __name__ == "__main__":
    unittest.main()
