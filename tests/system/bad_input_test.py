"""What is wrong with the input is said in one line that names the place; nothing crashes."""

import re
import shutil
import unittest

import cli
from cli import BAD_INPUT, CLEAN, DONE, FINDING, LOST_BIT, OUR_FAULT, STALE_HIT

SCENARIO = """name: "mine"
summary: "one task"
machine { cpus: 2 }
task {
  name: "app"
  op: "mmap A"
}
expect { clean: true }
"""


class ScenarioTest(cli.SystemTest):
    def refuse(self, name, words):
        """No command makes a store before it has read the scenario."""
        result = self.fuzz(name)

        self.assert_refused(result, words)
        self.assertFalse(self.store.exists())

    def refuse_text(self, text, words):
        self.refuse(self.write("mine.textproto", text), words)

    def refuse_change(self, old, new, words):
        self.assertEqual(SCENARIO.count(old), 1)
        with self.subTest(new):
            self.refuse_text(SCENARIO.replace(old, new), words)

    def test_the_scenario_that_is_changed_below_is_good(self):
        self.write("mine.textproto", SCENARIO)

        self.assertEqual(self.fuzz("./mine.textproto", "--runs", 10).status, DONE)

    def test_an_unknown_name(self):
        self.refuse("nonesuch", 'found scenario "nonesuch", wanted ')
        self.refuse("", 'found scenario "", wanted ')

    def test_a_mistyped_name_is_told_the_nearest(self):
        for typed in ("sead-stale-hit", "seed-stale-hitt", "seed-stalehit"):
            self.refuse(typed, '; the nearest is "seed-stale-hit"\n')
        self.assertNotIn("nearest", self.fuzz("nonesuch").err)

    def test_a_missing_file(self):
        self.refuse("./nonesuch.textproto", "./nonesuch.textproto: No such file")
        self.refuse("no/such/file", "no/such/file: No such file")

    def test_a_folder(self):
        self.refuse(f"{self.folder}/", "is a folder, wanted a file")

    def test_one_bad_scenario_among_good_ones_stops_all(self):
        result = self.fuzz(CLEAN, "nonesuch")

        self.assert_refused(result, "nonesuch")
        self.assertFalse(self.store.exists())

    def test_one_scenario_named_twice(self):
        """A second search of it would only find what the first did."""
        file = str(cli.CORPUS / f"{CLEAN}.textproto")
        for words in (["fuzz", "--store", self.store], ["verify", "--store", self.store], ["scenarios", "--check"],
                      ["campaign", "create", "--coordinator", "127.0.0.1:1"]):
            for again in CLEAN, file:
                with self.subTest(words=words, again=again):
                    result = self.shootdown(*words, CLEAN, STALE_HIT, again)

                    self.assert_refused(result, f'found scenario "{CLEAN}" twice, wanted each once')
                    self.assertFalse(self.store.exists())

    def test_a_file_that_is_cut_short(self):
        for size in range(0, len(SCENARIO) - 25, 7):
            with self.subTest(size):
                path = self.write("mine.textproto", SCENARIO[:size])
                self.assert_refused(self.fuzz(path), "mine.textproto:")

    def test_bytes_that_are_no_text(self):
        for number, data in enumerate((bytes(range(256)), b"\0" * 100, b"\xff\xfe" * 5000,
                                       b"\x7fELF" + bytes(60), b"\n" * 3000)):
            with self.subTest(number):
                self.refuse_text(data, "mine.textproto")

    def test_a_line_break_in_a_name_stays_within_the_line(self):
        self.refuse("none\nsuch", "wanted ")
        path = self.write("a\nb.textproto", "bad")
        self.assert_refused(self.fuzz(path))

    def test_wrong_words_are_found_at_their_place(self):
        self.refuse_change("mmap A", "mmapp A", 'mine.textproto:6:7: found operation "mmapp"')
        self.refuse_change("mmap A", "mmap Q", 'mine.textproto:6:7: found "Q", wanted a page')
        self.refuse_change("mmap A", "mmap", "mine.textproto:6:7: found 0 arguments")
        self.refuse_change("mmap A", "", "mine.textproto:6:7: op: no words")
        self.refuse_change('op: "mmap A"', 'op: "munmap A" setup: "migrate 7"',
                           'mine.textproto:6:25: found "7", wanted a CPU, 0 to 1')
        self.refuse_change("task {", 'version: "sparc64.flsh = no_trim"\ntask {',
                           'mine.textproto:4:10: found switch "sparc64.flsh"')
        self.refuse_change("task {", 'version: "sparc64.flush = maybe"\ntask {',
                           'mine.textproto:4:10: found "maybe"')
        self.refuse_change("task {", 'checks { off: "tlb_mistake" }\ntask {',
                           'mine.textproto:4:15: found check "tlb_mistake"')
        self.refuse_change("clean: true", 'finds: "tlb_mistake"',
                           'mine.textproto:8:17: found check "tlb_mistake"')
        self.refuse_change("summary", "sumary", "mine.textproto:2:1: ")
        self.refuse_change("cpus: 2", "cpus: two", "mine.textproto:3:17: ")

    def test_a_machine_that_cannot_be(self):
        for cpus in (0, 65, -1, 2**31):
            self.refuse_change("cpus: 2", f"cpus: {cpus}", "mine.textproto:3:")

        # A schedule could not name the steps behind that.
        self.refuse_change("cpus: 2", "step_count_max: 65536",
                           "mine.textproto:3:27: step_count_max: 65536, wanted 100 .. 65535")

        for entries in (0, 3, 6, 65, 128):
            self.refuse_change("cpus: 2", f"tsb_entries: {entries}",
                               f"mine.textproto:3:24: tsb_entries: {entries}, wanted a power of two, ")
        self.refuse_change("cpus: 2", "context_count: 12",
                           "mine.textproto:3:26: context_count: 12, wanted a power of two, 4 .. 64")
        self.refuse_change("cpus: 2", "tlb_sharing: 4",
                           "mine.textproto:3:24: tlb_sharing: 4 CPUs share a TLB, but there are 2")
        self.refuse_change("cpus: 2", "memory_model: ALPHA", "mine.textproto:3:25: ")
        self.refuse_change('name: "app"', 'name: "app" cpu: 2',
                           "mine.textproto:5:20: cpu: 2, but the machine has 2, wanted 0 .. 1")

    def test_an_architecture_that_is_not_there(self):
        self.refuse_change("task {", 'arch: "vax"\ntask {',
                           'mine.textproto:4:7: found arch "vax", wanted one of sparc64')

    def test_what_belongs_to_another_architecture(self):
        words = self.shootdown("scenarios", "--ops").out
        archs = [line.split()[0] for line in words.partition("\noperations")[0].splitlines()[1:] if line]
        for arch in archs[1:]:
            self.refuse_change("task {", f'version: "sparc64.flush = no_trim"\narch: "{arch}"\ntask {{',
                               'mine.textproto:4:10: found switch "sparc64.flush", which is one of sparc64')
            self.refuse_change("task {", f'checks {{ on: "tsb_freed_in_use" }}\narch: "{arch}"\ntask {{',
                               'mine.textproto:4:14: found check "tsb_freed_in_use", which judges sparc64')

    def test_a_switch_that_would_change_nothing(self):
        self.refuse_change("task {", 'version: "x86.lazy_tlb = no_ipi"\ntask {',
                           'mine.textproto:4:10: found switch "x86.lazy_tlb", which is one of x86_64')
        self.refuse_change("task {", 'version: "trim.W3 = on"\ntask {',
                           'mine.textproto:4:10: found "trim.W3 = on" with "sparc64.flush = no_trim", wanted "sparc64')

    def test_a_reckoning_that_cannot_be(self):
        self.refuse_change("clean: true", "clean: true preemptions: 1",
                           "mine.textproto:8:35: preemptions: beside `clean`")
        self.refuse_change("clean: true", 'finds: "deadlock" preemptions: 101',
                           "mine.textproto:8:41: preemptions: 101, wanted 0 .. 100")

    def test_more_loaded_processes_than_context_numbers(self):
        tasks = "".join(f'task {{ name: "t{n}" cpu: {n} }}\n' for n in range(1, 4))
        self.refuse_change(
            "machine { cpus: 2 }", "machine { cpus: 4 context_count: 4 }\n" + tasks,
            'mine.textproto:8:1: found process number 4 on 4 CPUs, wanted at most 3 processes')

    def test_an_operation_on_what_nobody_makes(self):
        """It would do nothing, and the scenario be clean for that alone."""
        ring = 'setup: "io_uring_setup ring" '
        submit = 'op: "io_uring_submit rnig read A"'
        self.refuse_change('op: "mmap A"', ring + submit,
                           'mine.textproto:6:36: found "rnig", which no io_uring_setup makes, wanted one that does: ring\n')
        self.refuse_change('op: "mmap A"', submit,
                           'mine.textproto:6:7: found "rnig", which no io_uring_setup makes, wanted a task that does '
                           '`io_uring_setup rnig`\n')
        for op, makes in (("vhost_kick v read A", "vhost_set_owner"), ("userfaultfd_copy v A", "userfaultfd"),
                          ("proc_read v A", "proc_open"), ("binder_transaction v", "binder_mmap"),
                          ("exit_sqo v", "io_uring_setup_sqo")):
            self.refuse_change("mmap A", op, f'found "v", which no {makes} makes')

    def test_a_setup_that_never_ends(self):
        self.refuse_change('op: "mmap A"', 'setup: "sleep q"', "the setup does not come to its end")

    def test_a_corpus_folder_that_is_none(self):
        env = self.environment(SHOOTDOWN_CORPUS=str(self.folder / "none"))
        for words in (["scenarios"], ["fuzz", STALE_HIT]):
            self.assert_refused(self.shootdown(*words, env=env), "$SHOOTDOWN_CORPUS")

    def test_a_corpus_folder_that_leads_nowhere(self):
        (self.folder / "loop").symlink_to("loop")
        env = self.environment(SHOOTDOWN_CORPUS=str(self.folder / "loop"))

        self.assert_refused(self.shootdown("scenarios", env=env), "$SHOOTDOWN_CORPUS")

    def test_a_corpus_folder_that_may_not_be_read(self):
        cli.need_nobody(self)
        folder = self.folder / "locked"
        folder.mkdir(mode=0)
        env = self.environment(SHOOTDOWN_CORPUS=str(folder))
        for words in (["scenarios"], ["fuzz", "nonesuch"]):
            self.assert_refused(self.shootdown(*words, env=env, preexec_fn=cli.as_nobody),
                                f"{folder}: Permission denied")

    def test_a_corpus_with_a_bad_file(self):
        self.write("bad.textproto", "name: 3\n")
        env = self.environment(SHOOTDOWN_CORPUS=str(self.folder))

        self.assert_refused(self.shootdown("scenarios", env=env), "bad.textproto:1:7: ")


class FailureTest(cli.SystemTest):
    def commands(self, failure):
        store = ["--store", self.store]
        return (["replay", failure, *store], ["minimize", failure, *store],
                ["failures", "show", failure, *store],
                ["failures", "export", failure, "-o", "x.failure", *store])

    def test_an_unknown_id(self):
        self.find()
        for failure in ("0123456789abcdef", "01234", "xyz", "0123456789abcdef0"):
            for words in self.commands(failure):
                with self.subTest(words[:2]):
                    self.assert_refused(self.shootdown(*words), failure)

    def test_an_ambiguous_id(self):
        ids = set()
        seed = 0
        while len({i[0] for i in ids}) == len(ids):  # sixteen different ids at the most
            seed += 1
            ids.add(self.find(LOST_BIT, seed=seed))
        first = next(i[0] for i in ids if sum(j[0] == i[0] for j in ids) > 1)

        for words in self.commands(first):
            with self.subTest(words[:2]):
                self.assert_refused(self.shootdown(*words), first)

    def test_a_file_that_is_no_failure(self):
        for number, data in enumerate((b"", b"x", b"shootdown-failure ", b"shootdown-failure 1 0\n",
                                       bytes(range(256)) * 40, SCENARIO.encode())):
            path = self.write("x.failure", data)
            for words in (*self.commands(path)[:3],
                          ["failures", "import", path, "--store", self.store]):
                with self.subTest(words[:2], number=number):
                    self.assert_refused(self.shootdown(*words), "not a failure file")
        self.assertFalse(self.store.exists())

    def test_a_missing_file(self):
        for words in self.commands("./none.failure"):
            self.assert_refused(self.shootdown(*words), "./none.failure: No such file")

    def test_a_newer_failure_file(self):
        path = self.write("x.failure", "shootdown-failure 2 " + "0" * 32 + "\n")

        self.assert_refused(self.shootdown("replay", path), "a newer Shootdown wrote it")

    def test_one_bad_file_among_good_ones_imports_nothing(self):
        failure = self.find()
        self.shootdown("failures", "export", failure, "--store", self.store, "-o", "good.failure")
        self.write("bad.failure", "bad")

        result = self.shootdown("failures", "import", "good.failure", "bad.failure", "--store", "new")

        self.assert_refused(result, "bad.failure")
        self.assertFalse((self.folder / "new").exists())


    def test_a_failure_file_with_other_line_ends(self):
        self.shootdown("failures", "export", self.find(), "--store", self.store, "-o", "good.failure")
        good = (self.folder / "good.failure").read_bytes()
        path = self.write("x.failure", good.replace(b"\n", b"\r\n"))

        self.assert_refused(self.shootdown("replay", path), f"{path}: its lines end in CR LF, wanted LF alone")

    def changed(self, found, put):
        """A file of a good failure in which `found` is `put`, with the checksum that belongs to that."""
        failure = self.find()
        self.shootdown("failures", "export", failure, "--store", self.store, "-o", "good.failure")
        good = (self.folder / "good.failure").read_text()
        body = re.sub(found, put, good.split("\n", 1)[1])
        self.assertNotIn(body, good)
        path = self.write("x.failure", f"shootdown-failure 1 {'0' * 32}\n{body}")
        # The refusal says which checksum the file should have had.
        damaged = self.shootdown("failures", "import", path, "--store", self.store)
        checksum = re.search("but the rest has ([0-9a-f]{32})", damaged.err)[1]
        return self.write("x.failure", f"shootdown-failure 1 {checksum}\n{body}")

    def test_a_file_that_says_nonsense_is_not_imported(self):
        for words, found, put in (("anchors: 0 of them", r"anchors \{[^}]*\}\n", ""),
                                  ("proof: 0 of them", r"(?m)^proof \{[^}]*\}\n", ""),
                                  ("found_schedule_text", 'found_schedule_text: "', 'found_schedule_text: "?')):
            with self.subTest(words):
                path = self.changed(found, put)

                self.assert_refused(self.shootdown("failures", "import", path, "--store", self.store), words)

    def test_a_file_that_says_otherwise_of_the_same_steps_is_not_reproduced(self):
        for expected, found, put in (("deadlock, trace hash ", 'check: "stale_tlb_use"', 'check: "deadlock"'),
                                     (f"stale_tlb_use, trace hash {'7' * 32}", 'trace_hash: "[^"]*"',
                                      f'trace_hash: "{"7" * 32}"')):
            with self.subTest(expected):
                result = self.shootdown("replay", self.changed(found, put))

                self.assertEqual(result.status, FINDING, result.err)
                self.assertIn("NOT reproduced: every step is as it was", result.err)
                self.assertIn(f"expected: {expected}", result.err)
                self.assertRegex(result.err, "got:      stale_tlb_use, trace hash [0-9a-f]{32}\n")


class StoreTest(cli.SystemTest):
    READERS = (["failures", "list"], ["replay", "0123"], ["failures", "show", "0123"])

    def refuse(self, words, status, readers_too=True):
        writers = (["fuzz", STALE_HIT],)
        for command in (*writers, *(self.READERS if readers_too else ())):
            with self.subTest(command):
                result = self.shootdown(*command, "--store", self.store)
                if command in writers and status == OUR_FAULT:
                    # It may have said that it starts.
                    self.assertNotIn("stored as", result.err)
                self.assert_refused(result, words, status)

    def test_no_store_yet(self):
        for command in self.READERS:
            self.assert_refused(self.shootdown(*command, "--store", self.store), str(self.store))
        self.assertFalse(self.store.exists())

    def test_a_file(self):
        self.store.write_text("text", encoding="utf-8")

        self.refuse("is a file, wanted a folder", BAD_INPUT)

    def test_a_path_through_a_file(self):
        (self.folder / "file").write_text("text", encoding="utf-8")
        self.store = self.folder / "file/store"

        self.refuse("a part of the path is a file", BAD_INPUT)

    def test_a_folder_with_other_things(self):
        self.store.mkdir()
        (self.store / "thesis.tex").write_text("text", encoding="utf-8")

        self.refuse("not a Shootdown store", BAD_INPUT)
        self.assertEqual([p.name for p in self.store.iterdir()], ["thesis.tex"])

    def test_a_newer_schema(self):
        self.find()
        cli.operate(self.store, "schema", "3")

        self.refuse("has schema 3", BAD_INPUT)

    def test_an_unknown_column_family(self):
        self.find()
        cli.operate(self.store, "add", "leases")

        self.refuse('column family "leases"', BAD_INPUT)

    def test_a_missing_column_family(self):
        self.find()
        cli.operate(self.store, "drop", "corpus")

        self.refuse('no column family "corpus"', OUR_FAULT)

    def test_a_schema_that_is_no_number(self):
        self.find()
        cli.operate(self.store, "schema", "x")

        self.refuse("schema version", OUR_FAULT)

    def test_missing_files(self):
        for pattern, words in (("CURRENT", "CURRENT is missing"), ("MANIFEST-*", "damaged"),
                               ("*.sst", "damaged")):
            with self.subTest(pattern):
                shutil.rmtree(self.store, ignore_errors=True)
                for _ in range(2):
                    self.find()  # the second opening moves all into tables
                self.assertTrue(files := list(self.store.glob(pattern)))
                for file in files:
                    file.unlink()

                self.refuse(words, OUR_FAULT)

    def test_flipped_bits_in_a_table_are_noticed(self):
        for _ in range(2):
            failure = self.find()
        for table in self.store.glob("*.sst"):
            data = bytearray(table.read_bytes())
            for at in range(0, len(data), 97):
                data[at] ^= 0x10
            table.write_bytes(data)

        for words in (["failures", "list"], ["replay", failure], ["failures", "show", failure]):
            with self.subTest(words):
                result = self.shootdown(*words, "--store", self.store)
                self.assertEqual(result.status, OUR_FAULT, result.err)
                for line in result.lines():
                    self.assertRegex(line, r"\Ashootdown: ")

    def test_one_spoiled_record_does_not_hide_the_others(self):
        spoiled = self.find(STALE_HIT)
        good = self.find(LOST_BIT)
        cli.operate(self.store, "spoil", spoiled)

        listed = self.shootdown("failures", "list", "--store", self.store, "--json")

        self.assertEqual(listed.status, OUR_FAULT)
        self.assertEqual([row["id"] for row in listed.json()["failures"]], [good])
        self.assertEqual(len(listed.lines()), 1)
        self.assertRegex(listed.err, rf"\Ashootdown: .*{spoiled}")
        self.assert_refused(self.shootdown("replay", spoiled, "--store", self.store),
                            status=OUR_FAULT)
        self.assert_replays(good, env=self.environment(SHOOTDOWN_STORE=str(self.store)))

    def test_a_store_that_another_process_writes(self):
        failure = self.find()
        writer = self.start("fuzz", CLEAN, "--runs", 2**60, "--store", self.store)
        cli.wait_until(lambda: cli.children_of(writer.pid), "the search")

        self.assert_refused(self.fuzz(STALE_HIT), "another process has it open")
        # Before anything is minimized, so in one line.
        self.assert_refused(self.shootdown("minimize", failure, "--store", self.store),
                            "another process has it open")
        # Reading goes on.
        listed = self.shootdown("failures", "list", "--store", self.store, "--json")
        self.assertEqual([row["id"] for row in listed.json()["failures"]], [failure])
        self.assert_replays(failure, env=self.environment(SHOOTDOWN_STORE=str(self.store)))

    def test_a_folder_that_may_not_be_written(self):
        cli.need_nobody(self)
        failure = self.find()
        for path in (self.store, *self.store.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)

        result = self.fuzz(STALE_HIT, preexec_fn=cli.as_nobody)

        self.assert_refused(result, "no permission")
        self.assert_refused(self.fuzz(STALE_HIT, store=self.folder / "new", preexec_fn=cli.as_nobody),
                            "Permission denied")
        self.assert_replays(failure, env=self.environment(SHOOTDOWN_STORE=str(self.store)),
                            preexec_fn=cli.as_nobody)
        export = ["failures", "export", failure, "--store", self.store]
        self.assert_refused(self.shootdown(*export, preexec_fn=cli.as_nobody), "Permission denied")
        self.assert_refused(self.shootdown("replay", failure, "--store", self.store, "--perfetto",
                                           "p.json", preexec_fn=cli.as_nobody), "p.json")

    def test_a_home_folder_that_may_not_be_written(self):
        cli.need_nobody(self)

        result = self.shootdown("fuzz", STALE_HIT, preexec_fn=cli.as_nobody)

        self.assert_refused(result)


if __name__ == "__main__":
    unittest.main()
