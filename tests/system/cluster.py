"""A coordinator and its workers as an operator starts them: real programs, real sockets, real disks.

From CTest, beside what cli.py needs: SHOOTDOWN_BUILD, the build folder. The .proto files are installed
from it, and the tests make a client of their own from those alone, as any other program would.
"""

import atexit
import functools
import importlib
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request

import cli
from cli import BIN, DONE, wait_until

BUILD = pathlib.Path(os.environ["SHOOTDOWN_BUILD"])
ROOT = pathlib.Path(__file__).resolve().parents[2]


@functools.cache
def messages():
    """The generated modules: .work_pb2, .work_pb2_grpc and so on, from the installed files alone."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="shootdown-client-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    installed, out = folder / "installed", folder / "generated"
    out.mkdir()
    subprocess.run(["cmake", "--install", BUILD, "--component", "protos", "--prefix", installed],
                   check=True, stdout=subprocess.DEVNULL)
    protos = installed / "include/shootdown/proto"
    files = sorted(str(p.relative_to(protos)) for p in protos.rglob("*.proto"))
    subprocess.run(
        ["protoc", f"--proto_path={protos}", f"--python_out={out}", f"--grpc_out={out}",
         f"--plugin=protoc-gen-grpc={shutil.which('grpc_python_plugin')}", *files],
        check=True, cwd=installed)
    sys.path.insert(0, str(out))

    class Modules:
        pass

    for name in ("admin", "campaign", "failure", "finding", "work"):
        for suffix in ("_pb2", "_pb2_grpc"):
            setattr(Modules, name + suffix, importlib.import_module(f"shootdown.v1.{name}{suffix}"))
    return Modules


reserved = []  # sockets, as long as this program runs


def free_port():
    """A port that is ours: a coordinator that is killed and started again finds it free.

    It is below those that Linux gives to connections (ip_local_port_range), and other tests that run at
    the same time see that the UDP port of that number, which nobody else wants, is taken.
    """
    for port in random.sample(range(10000, 30000), 1000):
        udp = socket.socket(type=socket.SOCK_DGRAM)
        try:
            udp.bind(("127.0.0.1", port))
            with socket.socket() as tcp:
                tcp.bind(("127.0.0.1", port))
        except OSError:
            udp.close()
            continue
        reserved.append(udp)
        return port
    raise RuntimeError("no free port between 10000 and 30000")


class Program:
    """A process whose words go to a file, so that it never waits for a reader."""

    def __init__(self, test, name, words, **environment):
        self.name = name
        self.log_path = test.folder / f"{name}.log"
        self.log = self.log_path.open("ab")
        self.process = subprocess.Popen(
            [str(w) for w in words], env=test.environment(**environment), cwd=test.folder,
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        test.addCleanup(self.kill)

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process.poll() is None

    def signal(self, number):
        if self.alive():
            os.kill(self.pid, number)

    def kill(self):
        """kill -9, also of what was stopped."""
        if self.alive():
            self.process.kill()
        self.process.wait()
        if not self.log.closed:
            self.log.close()

    def stop(self, seconds=cli.TIMEOUT):
        """SIGTERM, and the exit status."""
        self.signal(signal.SIGTERM)
        status = self.process.wait(timeout=seconds)
        self.log.close()
        return status

    def said(self):
        return self.log_path.read_text(errors="replace")


class ClusterTest(cli.SystemTest):
    """Tests with one coordinator and any number of workers."""

    def setUp(self):
        super().setUp()
        self.data = self.folder / "data"
        self.port = free_port()
        self.http_port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.server = None
        self.workers = {}

    def start_server(self, *words, wait=True):
        self.server = Program(self, "server", [
            BIN / "shootdown-server", "--data", self.data, "--listen", self.address, "--http",
            f"127.0.0.1:{self.http_port}", *words])
        if wait:
            wait_until(lambda: self.answers() or not self.server.alive(), "the coordinator")
            self.assertTrue(self.server.alive(), self.server.said())
        return self.server

    def answers(self):
        """Both of its ports are open: that of --http comes last."""
        def connects(port):
            with socket.socket() as s:
                s.settimeout(1)
                return s.connect_ex(("127.0.0.1", port)) == 0
        return connects(self.port) and connects(self.http_port)

    def start_worker(self, name="w1", *words, jobs=1, address=None):
        """Started again under the same name, it finds its own journal."""
        self.workers[name] = Program(self, name, [
            BIN / "shootdown-worker", "--coordinator", address or self.address, "--jobs", jobs,
            "--name", name, "--state", self.folder / f"state-{name}", *words])
        return self.workers[name]

    def metrics(self):
        """What Prometheus would read."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/metrics", timeout=5) as page:
            return page.read().decode()

    def coordinator(self, *words):
        """`shootdown coordinator`."""
        return self.shootdown("coordinator", *words, "--coordinator", self.address, "--json")

    def receipts(self):
        return sorted(self.folder.glob("state-*/receipts"))

    def campaign(self, *words, **options):
        return self.shootdown("campaign", *words, "--coordinator", self.address, "--json", **options)

    def create(self, *words):
        result = self.campaign("create", *words)
        self.assertEqual(result.status, DONE, result.err)
        return result.json()["id"]

    def show(self, campaign):
        result = self.campaign("show", campaign)
        self.assertEqual(result.status, DONE, result.err)
        return result.json()

    def wait_for_campaign(self, campaign, seconds=60):
        """The campaign as it is when it has ended."""
        def ended():
            result = self.campaign("show", campaign)
            return result.status == DONE and result.json()["state"] in ("done", "stopped") and result
        # Each look is a program of its own, which should not take the CPUs from the workers.
        return wait_until(ended, f"the end of campaign {campaign}", seconds, pause=0.2).json()

    def findings(self, *words):
        """The rows of `failures list` of the coordinator, all of them."""
        result = self.shootdown("failures", "list", "--coordinator", self.address, "--json",
                                *(words or ["--all"]))
        self.assertEqual(result.status, DONE, result.err)
        return result.json()["failures"]

    def fsck(self):
        """`shootdown-server --fsck` with every receipt of the workers."""
        words = [w for path in self.receipts() for w in ("--receipts", path)]
        return self.run_program(BIN / "shootdown-server", "--data", self.data, "--fsck", *words)

    def stub(self, service, target=None):
        """A generated client's stub for `Campaigns`, `Work`, `Findings` or `Admin`."""
        import grpc
        modules = messages()
        module = {"Campaigns": modules.campaign_pb2_grpc, "Work": modules.work_pb2_grpc,
                  "Findings": modules.finding_pb2_grpc, "Admin": modules.admin_pb2_grpc}[service]
        channel = grpc.insecure_channel(target or self.address,
                                        options=[("grpc.enable_http_proxy", 0)])
        self.addCleanup(channel.close)
        return getattr(module, service + "Stub")(channel)
