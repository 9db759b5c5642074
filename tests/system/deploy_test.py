"""The scripts of deploy/ and tests/run.sh: what they say where they cannot do their work.

They run for real up to where they would change the machine: programs of the system that they ask stand
first in the PATH, with the answers of a machine on which something is wrong.
"""

import os
import pathlib
import shutil
import subprocess
import unittest

import cli

SOURCES = cli.CORPUS.parent
SETUP, QUICKSTART, RUN = "deploy/setup.sh", "deploy/quickstart.sh", "tests/run.sh"


class ScriptTest(cli.SystemTest):
    def setUp(self):
        super().setUp()
        self.fakes = self.folder / "fakes"
        self.fakes.mkdir()
        # Without a checkout's own folder `build`, and where anybody may come.
        self.checkout = self.folder / "checkout"
        for name in ("deploy", "tests/run.sh", "CMakePresets.json"):
            target = self.checkout / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if (SOURCES / name).is_dir() else shutil.copy)(SOURCES / name, target)
        for path in (self.folder, self.checkout, *self.checkout.rglob("*")):
            path.chmod(0o755)

    def fake(self, name, text):
        path = self.fakes / name
        path.write_text("#!/bin/bash\n" + text, encoding="utf-8")
        path.chmod(0o755)

    def script(self, script, *words, mounts="", **options):
        """With `mounts`, shell commands, done first where only the script sees them."""
        env = self.environment(PATH=f"{self.fakes}:/usr/sbin:/usr/bin:/sbin:/bin")
        program = [str(self.checkout / script), *map(str, words)]
        if mounts:
            program = ["unshare", "-m", "bash", "-ec", mounts + '; exec "$@"', "bash", *program]
        return self.run_program(*program, env=env, **options)

    def assert_says(self, result, words, status=1):
        """One sentence on standard error, which begins with the script's name and says what to do."""
        self.assertEqual(result.status, status, result.out + result.err)
        self.assertEqual(len(result.lines()), 1, result.err)
        self.assertRegex(result.err, r"\A\w+\.sh: .+\.\n\Z")
        self.assertIn(words, result.err)

    def without_a_package(self):
        """And with a sudo that asks nobody, if there is work for it."""
        self.need_debian()
        self.fake("dpkg-query", '/usr/bin/dpkg-query "$@" | grep -v " ninja-build$"\n')
        self.fake("sudo", '[[ $1 == -n ]] || exec "$@"\n')

    def need_mounts(self):
        if subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", self.fakes],
                          stderr=subprocess.DEVNULL, check=False).returncode != 0:
            self.skipTest("this test mounts something, which is not allowed here")

    def need_debian(self):
        text = pathlib.Path("/etc/os-release").read_text(encoding="utf-8")
        if "ID=debian" not in text or 'VERSION_ID="12"' not in text:
            self.skipTest("this is not Debian 12")


class UsageTest(ScriptTest):
    def test_help_is_no_work(self):
        for script in (SETUP, QUICKSTART, RUN):
            with self.subTest(script):
                result = self.script(script, "--help")

                self.assertEqual((result.status, result.err), (0, ""))
                self.assertIn(f"usage: {script}", result.out)

    def test_an_unknown_argument_is_wrong_usage(self):
        for script in (SETUP, QUICKSTART, RUN):
            with self.subTest(script):
                self.assert_says(self.script(script, "--frobnicate"), "'--frobnicate'", status=2)

    def test_the_quickstart_leaves_another_folder_alone(self):
        self.write("precious", "")

        result = self.script(QUICKSTART, "--store", self.folder)

        self.assert_says(result, "is not an empty folder", status=2)
        self.assertTrue((self.folder / "precious").exists())


class MachineTest(ScriptTest):
    def test_another_distribution(self):
        self.need_mounts()
        other = self.write("os-release", 'ID=fedora\nVERSION_ID=40\nPRETTY_NAME="Fedora Linux 40"\n')

        for script in (SETUP, QUICKSTART, RUN):
            with self.subTest(script):
                self.assert_says(self.script(script, mounts=f"mount --bind {other} /etc/os-release"),
                                 "this is Fedora Linux 40, but ")

    def test_a_system_that_does_not_say_what_it_is(self):
        self.need_mounts()

        result = self.script(SETUP, mounts="mount -t tmpfs none /etc")

        self.assert_says(result, "this is an unknown system, but ")

    def test_packages_are_missing_and_we_are_not_root(self):
        if os.getuid() != 0:
            self.skipTest("this test becomes another user")
        self.without_a_package()
        self.fake("sudo", "exit 1\n")

        result = self.script(SETUP, user=cli.NOBODY, group=cli.NOBODY, extra_groups=[])

        self.assert_says(result, "ninja-build ...), which needs root: ")

    def test_a_checkout_that_may_not_be_written(self):
        if os.getuid() != 0:
            self.skipTest("this test becomes another user")

        result = self.script(QUICKSTART, user=cli.NOBODY, group=cli.NOBODY, extra_groups=[])

        self.assert_says(result, "make it writable for nobody")

    def test_no_network(self):
        self.without_a_package()
        self.fake("apt-get", 'echo "E: Failed to fetch http://deb.debian.org/debian"; exit 100\n')

        self.assert_says(self.script(SETUP), "(E: Failed to fetch http://deb.debian.org/debian): check the network")

    def test_a_full_disk(self):
        self.without_a_package()
        self.fake("df", "echo Avail; echo 12\n")

        self.assert_says(self.script(SETUP), "only 12 MiB are left on the disk that holds /, and 3000 are needed")

    def test_a_disk_that_is_full_when_it_is_built(self):
        self.need_debian()
        self.fake("df", "echo Avail; echo 12\n")
        self.fake("cmake", "exit 1\n")

        result = self.script(QUICKSTART)

        self.assert_says(result, "is full (12 MiB left): free 3 GB there")

    def test_a_preset_that_cannot_be_configured(self):
        self.need_debian()
        self.fake("cmake", 'echo "CMake Error: the cause"; exit 1\n')

        result = self.script(RUN)

        self.assertEqual(result.status, 1)
        self.assertEqual(result.lines()[0], "CMake Error: the cause")
        self.assertIn("run.sh: preset release could not be configured: the cause is above", result.lines()[1])

    def test_nothing_to_install_is_over_at_once(self):
        self.need_debian()
        self.fake("apt-get", "echo called; exit 1\n")

        result = self.script(SETUP)

        self.assertEqual((result.status, result.err), (0, ""), result.out)
        self.assertRegex(result.out, r"All \d+ packages are installed\.")


if __name__ == "__main__":
    unittest.main()
