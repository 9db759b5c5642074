"""On a terminal there is a progress line, and tables fit into its columns."""

import errno
import fcntl
import os
import pty
import struct
import termios
import time
import unittest

import cli
from cli import CLEAN


class TerminalTest(cli.SystemTest):
    def on_a_terminal(self, stream, *words, columns=0):
        """What `shootdown` writes to that stream ("stdout" or "stderr"), if it is a terminal."""
        ours, theirs = pty.openpty()
        try:
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
            process = self.start(*words, **{stream: theirs})
        finally:
            os.close(theirs)
        text = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError as error:
                if error.errno != errno.EIO:  # nobody has the other end open any more
                    raise
                break
            if not part:
                break
            text += part
        os.close(ours)
        process.communicate(timeout=cli.TIMEOUT)
        return text.decode().replace("\r\n", "\n")

    def fuzz_on_a_terminal(self, *words, **options):
        return self.on_a_terminal("stderr", "fuzz", *words, "--store", self.store, **options)


class ProgressTest(TerminalTest):
    def test_long_work_shows_a_progress_line(self):
        began = time.monotonic()
        text = self.fuzz_on_a_terminal(CLEAN, "--seconds", 1)
        tenths = 10 * (time.monotonic() - began)

        lines = [part for part in text.split("\r\033[K") if " runs/s, " in part and "left" in part]
        self.assertGreater(len(lines), 2)
        self.assertLess(len(lines), tenths + 2)  # nobody reads a hundred a second
        for line in lines:
            self.assertRegex(line, rf"\A{CLEAN}: \d+ runs, \d+ runs/s, \d+ features, \d+ findings, "
                                   r"\d+ s left\Z")
        # It is gone when the summary comes.
        self.assertRegex(text, rf"\r\033\[K{CLEAN}: clean after \d+ runs")

    def test_json_shows_none(self):
        self.assertNotIn("\033[K", self.fuzz_on_a_terminal(CLEAN, "--runs", 20_000, "--json"))

    def test_it_is_cut_off_where_it_would_wrap(self):
        text = self.fuzz_on_a_terminal(CLEAN, "--runs", 50_000, columns=40)

        *lines, _ = text.split("\r\033[K")[1:]
        self.assertTrue(lines)
        for line in lines:
            self.assertLess(len(line), 40)


class TableTest(TerminalTest):
    def test_the_list_of_scenarios_fits_and_loses_nothing(self):
        everything = self.shootdown("scenarios").out
        for columns in (80, 100):
            with self.subTest(columns=columns):
                narrow = self.on_a_terminal("stdout", "scenarios", columns=columns)

                self.assertLessEqual(max(map(len, narrow.splitlines())), columns)
                self.assertEqual(sorted(narrow.split()), sorted(everything.split()))

    def test_traces_fit_and_lose_nothing(self):
        failure = self.find()
        for flag, narrowest in (("--trace", 80), ("--neighbour", 100)):
            words = ["replay", failure, flag, "--store", self.store]
            wide = self.shootdown(*words).out
            for columns in (narrowest, 100, 120):
                with self.subTest(flag=flag, columns=columns):
                    narrow = self.on_a_terminal("stdout", *words, columns=columns)

                    self.assertLessEqual(max(map(len, narrow.splitlines())), columns)
                    for word in ("BROKEN", "mm->mm_cpumask", "__flush_tlb_page()", "user_access()"):
                        self.assertIn(word, narrow)
            # More columns than it needs change nothing.
            self.assertEqual(self.on_a_terminal("stdout", *words, columns=500), wide)

    def test_the_last_column_of_a_list_is_broken(self):
        wide = self.shootdown("scenarios").out
        for columns in (100, 110, 140):  # below the others, and beside them
            with self.subTest(columns):
                narrow = self.on_a_terminal("stdout", "scenarios", columns=columns)

                self.assertLessEqual(max(map(len, narrow.splitlines())), columns)
                self.assertEqual(narrow.split(), wide.split())


if __name__ == "__main__":
    unittest.main()
