"""A network that duplicates, reorders, delays, drops and truncates: the campaign ends the same."""

import collections
import random
import threading
import time
import unittest
from concurrent import futures

import cluster
from cli import DONE, LOST_BIT, STALE_HIT


class Proxy:
    """Between workers and coordinator: it may do to a message what a network may do."""

    def __init__(self, target, seed):
        import grpc
        self.grpc = grpc
        self.draw = random.Random(seed)
        self.lock = threading.Lock()
        self.done = collections.Counter()
        self.old = collections.deque(maxlen=64)
        self.channel = grpc.insecure_channel(target, options=[("grpc.enable_http_proxy", 0)])
        self.forward = self.channel.unary_unary("/shootdown.v1.Work/Sync")
        handler = grpc.method_handlers_generic_handler(
            "shootdown.v1.Work", {"Sync": grpc.unary_unary_rpc_method_handler(self.sync)})
        self.server = grpc.server(futures.ThreadPoolExecutor(8))
        self.server.add_generic_rpc_handlers((handler,))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def stop(self):
        self.server.stop(0).wait()
        self.channel.close()

    def sync(self, request, context):
        with self.lock:
            what = self.draw.choice(["pass", "pass", "pass", "twice", "again", "late", "lost",
                                     "unanswered", "cut"])
            cut = self.draw.randrange(max(1, len(request)))
            old = self.draw.choice(self.old) if self.old else request
            pause = self.draw.uniform(0, 0.3)
            self.done[what] += 1
            self.old.append(request)
        try:
            if what == "lost":
                context.abort(self.grpc.StatusCode.UNAVAILABLE, "lost")
            if what == "late":
                time.sleep(pause)
            if what == "again":  # reordered: a message from before, now
                self.forward(old, timeout=10)
            if what == "cut":
                self.forward(request[:cut], timeout=10)
                context.abort(self.grpc.StatusCode.UNAVAILABLE, "cut")
            if what == "twice":
                self.forward(request, timeout=10)
            answer = self.forward(request, timeout=10)
        except self.grpc.RpcError as error:
            context.abort(error.code() if what != "cut" else self.grpc.StatusCode.UNAVAILABLE,
                          error.details())
        if what == "unanswered":
            context.abort(self.grpc.StatusCode.UNAVAILABLE, "unanswered")
        return answer


class BadNetworkTest(cluster.ClusterTest):
    RUNS = 100_000

    def outcome(self, address, seed):
        """What a campaign comes to: runs counted, and what was found."""
        for number in range(2):
            self.start_worker(f"w{seed}-{number}", address=address)
        campaign = self.create(STALE_HIT, LOST_BIT, "--runs", self.RUNS, "--keep-going",
                               "--seed", seed)
        ended = self.wait_for_campaign(campaign, seconds=240)
        for number in range(2):
            self.assertEqual(self.workers[f"w{seed}-{number}"].stop(), DONE)
        rows = self.findings()
        self.assertEqual({row["state"] for row in rows}, {"minimized"})
        return ([s["runs"] for s in ended["scenarios"]],
                {(row["scenario"], row["check"]) for row in rows})

    def test_the_final_state_is_that_of_a_good_network(self):
        self.start_server()
        good = self.outcome(self.address, seed=1)
        self.server.kill()
        # Another coordinator, of which the first one's workers have no receipts.
        for receipts in self.receipts():
            receipts.unlink()
        self.data = self.folder / "data-2"
        self.start_server()
        proxy = Proxy(self.address, seed=2)
        self.addCleanup(proxy.stop)

        bad = self.outcome(f"127.0.0.1:{proxy.port}", seed=2)

        self.assertEqual(bad, good)
        for what in ("twice", "again", "late", "lost", "unanswered", "cut"):
            self.assertGreater(proxy.done[what], 0, proxy.done)
        self.assertEqual(self.server.stop(), DONE, self.server.said())
        checked = self.fsck()
        self.assertEqual(checked.status, DONE, checked.out + checked.err)
        print(f"\n{sum(proxy.done.values())} messages: {dict(proxy.done)}")


if __name__ == "__main__":
    unittest.main()
