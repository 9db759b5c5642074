"""Where something cannot be written that is said, and nothing is left half written."""

import contextlib
import os
import stat
import subprocess
import unittest

import cli
from cli import BAD_INPUT, CLEAN, DONE, FINDING, LOST_BIT, OUR_FAULT


class OutputTest(cli.SystemTest):
    def test_devices_are_not_replaced(self):
        failure = self.find()
        store = ["--store", self.store]
        for words in (["failures", "export", failure, *store, "-o"], ["minimize", failure, *store, "-o"],
                      ["replay", failure, *store, "--html"], ["replay", failure, *store, "--perfetto"]):
            result = self.shootdown(*words, "/dev/full")

            self.assertEqual(result.status, BAD_INPUT)
            self.assertEqual(result.lines()[-1],
                             "shootdown: /dev/full: is no regular file, so it is not replaced")
            self.assertTrue(stat.S_ISCHR(os.stat("/dev/full").st_mode))

    def test_a_trace_that_cannot_be_written(self):
        failure = self.find()
        replay = ["replay", failure, "--store", self.store, "--perfetto"]

        self.assert_refused(self.shootdown(*replay, "no/such/folder/p.json"), "no/such/folder")
        self.assert_refused(self.shootdown(*replay, self.folder), str(self.folder))

    def test_an_export_into_nowhere(self):
        failure = self.find()

        result = self.shootdown("failures", "export", failure, "--store", self.store,
                                "-o", "no/such/folder/x.failure")

        self.assert_refused(result, "no/such/folder/x.failure: No such file")

    def test_long_work_does_not_begin_if_its_file_cannot_be_written(self):
        nowhere = "no/such/folder/proof"
        words = ["verify", CLEAN, "--events", 2, "--store", self.store, "--checkpoint"]

        self.assert_refused(self.shootdown(*words, nowhere), f"{nowhere}: No such file")
        self.assert_refused(self.shootdown(*words, nowhere, "--jobs", 2), f"{nowhere}: No such file")
        self.assert_refused(self.shootdown(*words, "/dev/full"), "/dev/full: is no regular file")
        self.assertFalse(self.store.exists())  # it is made before the first run

    def test_long_work_does_not_begin_where_nobody_may_write(self):
        cli.need_nobody(self)
        table = self.write("README.md", (cli.CORPUS / "README.md").read_text(encoding="utf-8"))

        self.assert_refused(self.shootdown("verify", CLEAN, "--checkpoint", "proof", preexec_fn=cli.as_nobody),
                            "proof: Permission denied")
        self.assert_refused(self.shootdown("scenarios", "--check", "--markdown", table, preexec_fn=cli.as_nobody),
                            "README.md: Permission denied")


class FullDiskTest(cli.SystemTest):
    def setUp(self):
        super().setUp()
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", self.disk],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0
        if not mounted:
            self.skipTest("this test mounts a small disk, which is not allowed here")
        self.addCleanup(subprocess.run, ["umount", self.disk], check=True)

    def fill(self, leave=0):
        with contextlib.suppress(OSError), open(self.disk / "filler", "wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        if leave:
            os.truncate(self.disk / "filler", (self.disk / "filler").stat().st_size - leave)

    def test_a_full_disk_is_said_and_loses_nothing(self):
        store = self.disk / "store"
        failure = self.find(store=store)
        self.fill()

        result = self.fuzz(LOST_BIT, store=store)

        self.assertEqual((result.status, result.out), (OUR_FAULT, ""))
        self.assertEqual(cli.stored_ids(result.err), [])
        self.assertRegex(result.lines()[-1], r"\Ashootdown: .*(space|full)")
        env = self.environment(SHOOTDOWN_STORE=str(store))
        self.assert_replays(failure, env=env)

        (self.disk / "filler").unlink()

        self.assertEqual(self.fuzz(LOST_BIT, store=store).status, FINDING)
        self.assert_replays(failure, env=env)

    def test_a_disk_that_fills_up_on_the_way_loses_nothing_that_was_said(self):
        store = self.disk / "store"
        kept = [self.find(store=store)]
        for leave in (4096, 16384, 65536):
            self.fill(leave)
            for seed in range(4):
                result = self.fuzz(LOST_BIT, "--seed", seed, store=store)
                self.assertIn(result.status, (FINDING, OUR_FAULT), result.err)
                kept += cli.stored_ids(result.err)
            (self.disk / "filler").unlink()

        listed = self.shootdown("failures", "list", "--store", store, "--json")
        self.assertEqual(listed.status, DONE, listed.err)
        self.assertLessEqual(set(kept), {row["id"] for row in listed.json()["failures"]})

    def test_a_full_disk_leaves_no_half_file(self):
        failure = self.find()
        self.fill()
        for words in (["failures", "export", failure, "-o"], ["replay", failure, "--html"],
                      ["replay", failure, "--perfetto"]):
            with self.subTest(words[-1]):
                result = self.shootdown(*words, self.disk / "x", "--store", self.store)

                self.assert_refused(result, "No space left", status=OUR_FAULT)
                self.assertEqual([path.name for path in self.disk.iterdir()], ["filler"])


if __name__ == "__main__":
    unittest.main()
