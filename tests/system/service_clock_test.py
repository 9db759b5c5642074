"""Clocks that are set while all goes on, as a virtual machine's is when it wakes up, or by NTP.

SHOOTDOWN_SET_CLOCK from CTest is a library that sets the clock of what it is loaded into (set_clock.cc)."""

import datetime
import os
import re
import struct
import unittest

import cluster
from cli import CLEAN, wait_until

HOUR = 3600


class ClockTest(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.clock = self.folder / "clock"
        self.set_clock(0)

    def environment(self, **changes):
        return super().environment(LD_PRELOAD=os.environ["SHOOTDOWN_SET_CLOCK"],
                                   SHOOTDOWN_TEST_CLOCK=str(self.clock), **changes)

    def set_clock(self, seconds):
        """Of all programs, away from this machine's."""
        with self.clock.open("r+b" if self.clock.exists() else "wb") as file:
            file.write(struct.pack("q", seconds))

    def hours_after(self, first):
        """A campaign that is begun now, and how many hours after `first` people read that it was."""
        campaign = self.create(CLEAN, "--runs", 20_000)
        first, later = (datetime.datetime.fromisoformat(self.show(c)["created"].rstrip("Z"))
                        for c in (first, campaign))
        return campaign, round((later - first).total_seconds() / HOUR)

    def test_a_worker_that_is_missing_is_named(self):
        self.start_server()
        for name in ("w1", "gone"):
            self.start_worker(name)
        wait_until(lambda: "name=gone" in self.server.said(), "the worker")
        self.workers["gone"].kill()

        self.set_clock(HOUR)

        wait_until(lambda: re.search(r" warning worker lost worker=\w{16} name=gone silent_s=\d+\n",
                                     self.server.said()), "words about it", pause=0.2)

    def test_a_campaign_that_runs_says_so_every_now_and_then(self):
        self.start_server()
        self.start_worker()
        campaign = self.create(CLEAN, "--runs", 2**50)
        wait_until(lambda: self.show(campaign)["runs"] > 0, "runs", pause=0.2)

        self.set_clock(HOUR)

        line = re.compile(rf" info campaign running campaign={campaign} name={CLEAN} workers=\d+ runs=[1-9]\d* "
                          r"runs_per_second=\d+ inputs=[1-9]\d* findings=0\n")
        wait_until(lambda: line.search(self.server.said()), "words about it", pause=0.2)
        self.assertEqual(len(line.findall(self.server.said())), 1)

    def test_a_clock_that_is_set_stops_nobody(self):
        self.start_server()
        self.start_worker()
        first = self.create(CLEAN, "--runs", 2**50)
        self.campaign("pause", first)
        m = cluster.messages()
        watched = self.stub("Campaigns").WatchCampaign(
            m.campaign_pb2.WatchCampaignRequest(id=first, interval_ms=100), timeout=60)
        self.addCleanup(watched.cancel)

        for hours in (-1, 1):
            with self.subTest(hours=hours):
                self.set_clock(hours * HOUR)
                # Abseil looks at the clock every few seconds.
                wait_until(lambda: self.hours_after(first)[1] == hours, "the clock", pause=0.2)
                for _ in range(2):
                    self.wait_for_campaign(self.hours_after(first)[0], seconds=30)
                for _ in range(3):
                    self.assertEqual(next(watched).campaign.id, first)


if __name__ == "__main__":
    unittest.main()
