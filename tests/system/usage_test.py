"""What stands on a command line is what was meant, or it is refused in one line."""

import shlex
import unittest

import cli
from cli import BAD_INPUT, CLEAN, DONE, FINDING, OUR_FAULT, STALE_HIT


class UsageTest(cli.SystemTest):
    def test_a_wrong_flag_or_value_is_refused(self):
        for words in (["fuzz", STALE_HIT, "--rums", "3"], ["fuzz"], ["frobnicate"],
                      ["fuzz", STALE_HIT, "--runs", "many"], ["fuzz", STALE_HIT, "--runs", "-1"],
                      ["fuzz", STALE_HIT, "--runs", "0"], ["fuzz", STALE_HIT, "--jobs", "0"],
                      ["fuzz", STALE_HIT, "--seed", "x"],
                      ["fuzz", STALE_HIT, "--strategy", "guess"],
                      ["replay"], ["replay", "a", "b"], ["minimize"], ["failures"],
                      ["failures", "list", "x"], ["failures", "import"], ["scenarios", "x"]):
            with self.subTest(words):
                result = self.shootdown(*words)

                self.assert_refused(result, "--help")

    def test_a_wrong_strategy_is_told_what_there_is(self):
        for words in (["fuzz", STALE_HIT], ["campaign", "create", STALE_HIT, "--coordinator", "localhost:1"]):
            with self.subTest(words):
                result = self.shootdown(*words, "--strategy", "guess")

                self.assertEqual(result.status, BAD_INPUT)
                self.assertIn('found strategy "guess", wanted one of libfuzzer, random, random-walk, '
                              "pct:DEPTH, pos, pos-eager, urw, surw, preemptions:K, delays:K, race-reversal",
                              result.err)

    def test_no_page_takes_the_place_of_the_failure_or_of_the_other_page(self):
        failure = self.find()
        self.shootdown("failures", "export", failure, "--store", self.store, "-o", "race.failure")
        before = (self.folder / "race.failure").read_bytes()
        (self.folder / "link").symlink_to("race.failure")

        for flag in ("--html", "--perfetto"):
            for name in ("race.failure", "./race.failure", "link"):
                with self.subTest(flag=flag, name=name):
                    self.assert_refused(self.shootdown("replay", "race.failure", flag, name),
                                        f'{flag}: found "{name}", which is the failure')
        self.assert_refused(self.shootdown("replay", "race.failure", "--html", "x", "--perfetto", "./x"),
                            '--perfetto: found "./x", as for --html')

        self.assertEqual((self.folder / "race.failure").read_bytes(), before)
        self.assertFalse((self.folder / "x").exists())
        both = self.shootdown("replay", "race.failure", "--html", "x", "--perfetto", "y")
        self.assertEqual(both.status, DONE, both.err)

    def test_a_wrong_step_to_break_at_is_refused(self):
        failure = self.find()
        result = self.shootdown("replay", failure, "--store", self.store, "--break-at", 999_999)

        self.assert_refused(result, "--break-at: found step 999999, wanted one from 0 to ")

    def test_a_mistyped_subcommand_is_named(self):
        for words in (["frobnicate"], ["failures", "frobnicate"], ["--frobnicate"]):
            with self.subTest(words):
                self.assert_refused(self.shootdown(*words), f'found "{words[-1]}"')

    def test_all_programs_say_it_in_one_line(self):
        for program, words in (("shootdown-server", ["--data", "d", "--frobnicate"]), ("shootdown-server", []),
                               ("shootdown-worker", ["--coordinator", "localhost:1", "--jobs", "0"]),
                               ("shootdown-worker", ["frobnicate"])):
            with self.subTest(program=program, words=words):
                result = self.run_program(cli.BIN / program, *words)

                self.assertEqual((result.status, result.out), (BAD_INPUT, ""), result.err)
                self.assertRegex(result.err, rf"\A{program}: [^\n]+; see --help\n\Z")

    def test_receipts_are_for_a_check_of_the_folder(self):
        result = self.run_program(cli.BIN / "shootdown-server", "--data", "d", "--receipts", "r")

        self.assertEqual((result.status, result.out), (BAD_INPUT, ""), result.err)
        self.assertIn("--receipts requires --fsck", result.err)
        self.assertFalse((self.folder / "d").exists())

    def test_a_flag_that_would_do_nothing_is_refused(self):
        failures = ["failures", "list"]
        for words in ([*failures, "--tls-ca", "x"], [*failures, "--insecure"],
                      [*failures, "--store", "x", "--coordinator", "localhost:1"],
                      ["scenarios", "--ops", "--json"], ["scenarios", "--generate", 1, "--json"],
                      ["scenarios", "--check", "--ops"], ["scenarios", "--ops", "--generate", 1],
                      ["replay", "x", "--search-runs", 5], ["replay", "x", "--search-runs", 5, "--neighbour"]):
            with self.subTest(words):
                self.assert_refused(self.shootdown(*words), "; see --help")


class ValueTest(cli.SystemTest):
    def test_a_number_is_decimal_digits(self):
        flags = (["fuzz", STALE_HIT, "--seed"], ["fuzz", STALE_HIT, "--runs"],
                 ["fuzz", STALE_HIT, "--jobs"], ["scenarios", "--generate"],
                 ["campaign", "create", STALE_HIT, "--coordinator", "localhost:1", "--seed"])
        for words in flags:
            for value in ("-1", "18446744073709551616", "0x10", "1e6", " 5", "", "+1"):
                with self.subTest(words=words, value=value):
                    result = self.shootdown(*words, value)

                    self.assert_refused(result, f'{words[-1]}: found "{value}", wanted a whole number, ')

    def test_a_number_of_the_workers_is_read_by_the_same_rule(self):
        worker = [cli.BIN / "shootdown-worker", "--coordinator", "localhost:1"]
        for flag in ("--jobs", "--journal-mib", "--engine-silence-ms", "--engine-memory-mib"):
            for value in ("0x10", "1e3", " 500", "-0", "0"):
                with self.subTest(flag=flag, value=value):
                    result = self.run_program(*worker, flag, value)

                    self.assertEqual(result.status, BAD_INPUT)
                    self.assertIn(f'{flag}: found "{value}", wanted a whole number, ', result.err)

    def test_a_worker_keeps_the_name_that_it_was_given_or_refuses_it(self):
        worker = [cli.BIN / "shootdown-worker", "--coordinator", "localhost:1"]
        for name in ("<b>x", "two words", "", "x" * 65):
            with self.subTest(name=name):
                result = self.run_program(*worker, "--name", name)

                self.assertEqual(result.status, BAD_INPUT)
                self.assertIn('wanted 1 to 64 of a-z A-Z 0-9 . _ -', result.err)

    def test_a_number_may_begin_with_zeros(self):
        result = self.fuzz(CLEAN, "--runs", "0100", "--json")

        self.assertEqual(result.status, DONE, result.err)
        self.assertEqual(result.json()["scenarios"][0]["runs"], 100)

    def test_the_largest_seed_is_a_seed(self):
        result = self.fuzz(STALE_HIT, "--seed", 2**64 - 1, "--json")

        self.assertEqual(result.status, FINDING, result.err)
        self.assertEqual(result.json()["seed"], 2**64 - 1)

    def test_a_seed_beyond_the_largest_is_told_which_that_is(self):
        for seed in (2**64, 10**30):
            with self.subTest(seed):
                self.assert_refused(self.fuzz(STALE_HIT, "--seed", seed),
                                    f'--seed: found "{seed}", wanted a whole number, 0 to {2**64 - 1}')

    def test_no_name_is_no_folder_and_no_file(self):
        failure = self.find()
        for words in (["fuzz", STALE_HIT, "--store"], ["doctor", "--store"],
                      ["minimize", failure, "-o"], ["failures", "export", failure, "-o"],
                      ["replay", failure, "--html"], ["replay", failure, "--perfetto"]):
            with self.subTest(words):
                self.assert_refused(self.shootdown(*words, ""), 'found "", wanted the name of a ')

    def test_no_name_is_none_to_the_service_either(self):
        server = ["shootdown-server", "--data"]
        worker = ["shootdown-worker", "--coordinator", "127.0.0.1:1"]
        client = ["shootdown", "campaign", "list", "--coordinator", "127.0.0.1:1"]
        tls = [[*who, flag] for who in ([*server, "d"], worker, client)
               for flag in ("--tls-ca", "--tls-cert", "--tls-key")]
        for words in (server, [*server, "d", "--port-file"], [*server, "d", "--fsck", "--receipts"],
                      [*worker, "--state"], ["shootdown", "failures", "merge"],
                      ["shootdown", "failures", "import"], *tls):
            with self.subTest(words):
                result = self.run_program(cli.BIN / words[0], *words[1:], "")

                self.assertEqual(result.status, BAD_INPUT)
                self.assertIn('found "", wanted the name of a ', result.err)
        self.assertFalse((self.folder / "d").exists())

    def test_a_wrong_address_of_a_coordinator_is_told_with_its_flag(self):
        for address in ("", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:1,"):
            for words in (["shootdown", "campaign", "list"], ["shootdown", "failures", "import"],
                          ["shootdown-worker", "--state", "w"]):
                if not address and words[-1] != "list":
                    continue  # as if the flag had not been given
                with self.subTest(words, address=address):
                    result = self.run_program(cli.BIN / words[0], *words[1:], "--coordinator", address)

                    self.assertEqual(result.status, BAD_INPUT)
                    self.assertIn("--coordinator: address ", result.err)
                    self.assertIn("wanted HOST:PORT with a port of 1 to 65535", result.err)

    def test_a_dash_is_not_taken_for_a_file_nor_for_standard_output(self):
        failure = self.find()
        table = ["scenarios", "--check", "--markdown"]
        for words in (["failures", "export", failure, "-o"], ["minimize", failure, "-o"],
                      ["replay", failure, "--html"], ["replay", failure, "--perfetto"],
                      ["verify", CLEAN, "--checkpoint"], table, ["fuzz", STALE_HIT, "--store"]):
            with self.subTest(words):
                self.assert_refused(self.shootdown(*words, "-"),
                                    f'{words[-1]}: found "-", wanted the name of a '
                                    f'{"folder" if words[-1] == "--store" else "file"}; ./- is one of that name')
        self.assertFalse((self.folder / "-").exists())

        export = self.shootdown("failures", "export", failure, "--store", self.store, "-o", "./-")

        self.assertEqual(export.status, DONE, export.err)
        self.assertTrue((self.folder / "-").is_file())

    def test_a_file_that_is_not_there_is_said_to_be_none(self):
        for words in (["replay"], ["minimize"], ["failures", "show"], ["failures", "export"]):
            with self.subTest(words):  # there is no store either, but nobody meant one
                self.assert_refused(self.shootdown(*words, "x.failure", "--store", self.store),
                                    "x.failure: no such file, and no id of a failure")

    def test_a_scenario_in_this_folder_needs_no_slash(self):
        self.write("mine.txt", cli.CROSS_CALL)
        self.write(STALE_HIT, "this is no scenario; the corpus's comes first")

        self.assertEqual(self.fuzz("mine.txt").status, FINDING)
        self.assertEqual(self.fuzz(STALE_HIT).status, FINDING)

    def test_bytes_that_are_no_utf8_in_a_name_do_not_spoil_the_json(self):
        result = self.fuzz(STALE_HIT, "--json", store=str(self.folder / "st") + "\udcff")

        self.assertEqual(result.status, FINDING, result.err)
        self.assertEqual(result.json()["store"], str(self.folder / "st") + "\ufffd")


class AnswerTest(cli.SystemTest):
    """What is said can be used."""

    def test_a_file_that_cannot_be_written_is_refused_before_the_work(self):
        failure = self.find()

        result = self.shootdown("minimize", failure, "--store", self.store, "-o", "no/such/x.failure")

        self.assert_refused(result, "no/such/x.failure: No such file")

    def test_minimize_says_where_its_result_is(self):
        failure = self.find()
        minimize = ["minimize", failure, "--store", self.store]

        self.assertEqual(cli.stored_ids(self.shootdown(*minimize).err), [failure])
        self.assertIn("x.failure written", self.shootdown(*minimize, "-o", "x.failure").err)
        self.assert_replays(self.folder / "x.failure")

    def test_a_command_to_copy_is_quoted(self):
        store = self.folder / "it's a store"

        result = self.fuzz(STALE_HIT, store=store)

        command = next(line for line in result.lines() if "stored as" in line).partition("shootdown ")[2]
        self.assertEqual(self.shootdown(*shlex.split(command)).status, DONE)

    def test_merge_says_what_came(self):
        self.find()
        merge = ["failures", "merge", self.store, "--store", self.folder / "other"]

        self.assertIn(f"1 failure now in {self.folder}/other, 1 of them new\n", self.shootdown(*merge).err)
        self.assertIn(f"1 failure now in {self.folder}/other, 0 of them new\n", self.shootdown(*merge).err)

    def test_an_empty_list_says_so(self):
        self.fuzz(CLEAN, "--runs", 10)
        listing = ["failures", "list", "--store", self.store]

        result = self.shootdown(*listing)

        self.assertEqual((result.status, result.out), (DONE, ""))
        self.assertIn("no failures", result.err)
        self.assertEqual(self.shootdown(*listing, "--json").json(), {"failures": []})

    def test_help_that_cannot_be_written_is_a_failure(self):
        for words in (["--help"], ["--version"], ["fuzz", "--help"]):
            with self.subTest(words), open("/dev/full", "wb") as full:
                result = self.shootdown(*words, stdout=full)

                self.assert_refused(result, "standard output", status=OUR_FAULT)


if __name__ == "__main__":
    unittest.main()
