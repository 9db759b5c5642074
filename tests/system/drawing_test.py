"""What `replay` draws: a page for a browser, and a trace for Perfetto."""

import collections
import html
import json
import unittest

from selenium import webdriver
from selenium.webdriver.common.by import By

import cli
from cli import DONE, STALE_HIT


class HtmlTest(cli.SystemTest):
    """The page in a real browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        options = webdriver.chrome.options.Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in ("headless=new", "no-sandbox", "disable-gpu", "no-first-run", "disable-sync",
                     "disable-background-networking", "disable-component-update",
                     "window-size=1400,1000"):
            options.add_argument(f"--{flag}")
        service = webdriver.chrome.service.Service("/usr/bin/chromedriver")
        cls.browser = webdriver.Chrome(service=service, options=options)
        cls.addClassCleanup(cls.browser.quit)

    def open_page(self, scenario=STALE_HIT):
        failure = self.find(scenario)
        result = self.shootdown("replay", failure, "--store", self.store, "--html", "race.html",
                                "--json")
        self.assertEqual(result.status, DONE, result.err)
        self.page = self.folder / "race.html"
        self.browser.get(self.page.as_uri())
        self.assertEqual(self.browser.get_log("browser"), [])
        self.assertEqual(self.all("body")[0].get_attribute("data-ready"), "true")
        return result.json()

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def click(self, row):
        # Not just under the line of heads, which stays on top.
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", row)
        row.click()

    def picked(self):
        [row] = self.all(".row.picked")
        return int(row.get_attribute("data-row"))

    def press(self, keys):
        self.all("body")[0].send_keys(keys)

    def test_it_has_every_step_every_decision_and_what_broke(self):
        run = self.open_page()

        self.assertEqual(len(self.all(".row")), run["steps"])
        self.assertEqual(len(self.all(".decision")), run["decisions"])
        self.assertEqual([head.text for head in self.all(".heads div")], ["#", "CPU 0", "CPU 1"])
        self.assertIn("which has been freed", self.all("#message")[0].text)
        self.assertTrue(self.all("#minimality")[0].text.startswith("minimum, proven"))
        self.assertTrue(self.all(".end")[0].text.startswith("BROKEN"))

    def test_it_opens_at_the_last_step_where_the_freed_page_is_in_a_tlb(self):
        run = self.open_page()

        self.assertEqual(self.picked(), run["steps"] - 1)
        self.assertEqual(len(self.all("#panel .tlb.freed")), 1)

    def test_keys_and_the_mouse_walk_through_the_steps(self):
        run = self.open_page()

        self.press("kk")
        self.assertEqual(self.picked(), run["steps"] - 3)
        self.press("j")
        self.assertEqual(self.picked(), run["steps"] - 2)
        self.click(self.all(".row")[0])
        self.assertEqual(self.picked(), 0)
        self.press("k")  # there is none before
        self.assertEqual(self.picked(), 0)
        self.assertEqual(self.all("#panel .tlb.freed"), [])

    def test_all_touches_of_a_word_are_marked_and_can_be_walked(self):
        self.open_page()
        [row] = [r for r in self.all(".row") if "mm->mm_users" in r.text][:1]
        self.click(row)
        first = self.picked()

        same = [int(r.get_attribute("data-row")) for r in self.all(".row.same")]
        self.press("n")

        self.assertEqual(self.picked(), min(r for r in same if r > first))
        self.press("p")
        self.assertEqual(self.picked(), first)

    def test_an_address_names_a_step(self):
        self.open_page()

        self.browser.get(self.page.as_uri() + "#step=7")

        self.assertEqual(self.picked(), 7)

    def test_arrows_lead_from_cross_calls_to_their_handlers(self):
        self.open_page(self.write("cross.textproto", cli.CROSS_CALL))

        taken = [row for row in self.all(".row") if "sent at #" in row.text]
        self.assertGreater(len(taken), 0)
        self.assertEqual(len(self.all("#lanes svg path")), len(taken))

    def test_without_scripts_the_table_is_there(self):
        self.open_page()

        table = self.shootdown("replay", self.find(), "--store", self.store, "--trace").out

        page = html.unescape(self.page.read_text())
        self.assertIn(table.split("\n", 1)[1].rstrip(), page)

    def test_nothing_is_loaded_from_anywhere(self):
        self.open_page()

        self.assertNotRegex(self.page.read_text(), r"(src|href)=|@import|url\(")


class PerfettoTest(cli.SystemTest):
    def draw(self, scenario):
        """The Chrome trace of a finding, and how many steps it has."""
        failure = self.find(scenario)
        result = self.shootdown("replay", failure, "--store", self.store, "--perfetto", "p.json",
                                "--json")
        self.assertEqual(result.status, DONE, result.err)
        whole = json.loads((self.folder / "p.json").read_text(encoding="utf-8"))
        return whole["traceEvents"], result.json()["steps"]

    def test_a_track_for_each_cpu_and_a_slice_for_each_step(self):
        for scenario, cpus in ((STALE_HIT, 2), ("seed-stale-hit-8cpu", 8)):
            with self.subTest(scenario):
                events, steps = self.draw(scenario)

                names = {e["tid"]: e["args"]["name"] for e in events if e["ph"] == "M"}
                self.assertEqual(names, {cpu: f"CPU {cpu}" for cpu in range(cpus)})
                slices = [e for e in events if e["ph"] == "X"]
                self.assertEqual([e["ts"] for e in slices], list(range(steps)))
                self.assertLessEqual({e["tid"] for e in slices}, set(names))
                self.assertTrue(all(e["name"] and e["dur"] == 1 for e in slices))

    def test_the_last_step_is_marked_as_broken(self):
        events, steps = self.draw(STALE_HIT)

        [mark] = [e for e in events if e["ph"] == "i"]
        self.assertEqual(mark["ts"], steps - 1)
        self.assertRegex(mark["name"], r"\ABROKEN: ")

    def test_an_arrow_goes_from_a_cross_call_to_where_it_is_taken(self):
        events, _ = self.draw(self.write("mine.textproto", cli.CROSS_CALL))

        arrows = collections.defaultdict(dict)
        for event in events:
            if event["ph"] in "sf":
                self.assertNotIn(event["ph"], arrows[event["id"]])
                arrows[event["id"]][event["ph"]] = event
        slices = {e["ts"]: e for e in events if e["ph"] == "X"}
        self.assertTrue(arrows)
        for arrow in arrows.values():
            start, finish = arrow["s"], arrow["f"]
            self.assertLess(start["ts"], finish["ts"])
            self.assertNotEqual(start["tid"], finish["tid"])
            self.assertEqual((start["name"], start["cat"]), (finish["name"], finish["cat"]))
            for end in (start, finish):
                self.assertEqual(end["tid"], slices[end["ts"]]["tid"])
                self.assertIn("xcall_flush_tlb_page", slices[end["ts"]]["name"])


if __name__ == "__main__":
    unittest.main()
