// Failures for tests: one with every field set, and random ones.
#ifndef SHOOTDOWN_TESTS_SUPPORT_FAILURE_BUILDER_H_
#define SHOOTDOWN_TESTS_SUPPORT_FAILURE_BUILDER_H_

#include <cstdint>
#include <limits>
#include <string>

#include "fuzz/base/prng.h"
#include "fuzz/corpus/failure.h"

namespace shootdown {

inline Failure FullFailure() {
  return {.scenario_name = "seed-stale-hit",
          .scenario_text = "name: \"seed-stale-hit\"\nsummary: \"tab\there, \\ and é\"\n",
          .found_scenario_text = "name: \"seed-stale-hit\"\nsummary: \"tab\there, \\ and é\"\n"
                                 "task { name: \"more\" }\n",
          .schedule_text = "T1@12>C0",
          .anchors = {{.site = "smp_flush_tlb_page: mm->mm_users", .occurrence = 3}},
          .found_schedule_text = "T1@12>C0 T0@5~hold(3)",
          .check = "stale_tlb_use",
          .kind_key = "stale_tlb_use/user/owner",
          .signature = "0123456789abcdef0123456789abcdef",
          .message = "task \"app\" read page A through a stale entry",
          .why = "the page belongs to nobody",
          .trace_hash = "fedcba9876543210fedcba9876543210",
          .trace = {{.text = "T1 C0 load mm_users = 2", .hash = 0xffff'ffff'ffff'fff1},
                    {.text = "T1 C0 store pte[A] = 0", .hash = 7}},
          .proof = {{.without = "T1@12>C0", .verdict = "clean"}},
          .scenario_proof = {{.without = "app: munmap A", .verdict = "clean"}},
          .minimized = true,
          .minimality = Minimality::kMinimum,
          .minimality_runs = 191,
          .found_at_run = std::numeric_limits<std::uint64_t>::max(),
          .seed = 42};
}

// Any text that protobuf may hold: control characters, quotes, and characters of 1 to 4 bytes.
inline std::string RandomText(Prng& prng) {
  static constexpr const char* kPieces[] = {"a", "\"", "\\", "\n", "\t", "\x01", "\x7f", "'",
                                            " ", "0",  "é",  "€",  "😀", "\\n",  "}",    "#"};
  std::string text;
  for (std::uint32_t i = prng.Below(12); i > 0; --i) {
    text += kPieces[prng.Below(std::size(kPieces))];
  }
  if (prng.OneIn(8)) text += '\0';
  return text;
}

inline Failure RandomFailure(Prng& prng) {
  Failure failure;
  for (std::string* text :
       {&failure.scenario_name, &failure.scenario_text, &failure.found_scenario_text,
        &failure.schedule_text, &failure.found_schedule_text, &failure.check, &failure.kind_key,
        &failure.signature, &failure.message, &failure.why, &failure.trace_hash}) {
    *text = RandomText(prng);
  }
  for (std::uint32_t i = prng.Below(4); i > 0; --i) {
    failure.anchors.push_back(
        {.site = RandomText(prng), .occurrence = static_cast<std::uint32_t>(prng.Next())});
    failure.trace.push_back({.text = RandomText(prng), .hash = prng.Next()});
    failure.proof.push_back({.without = RandomText(prng), .verdict = RandomText(prng)});
    failure.scenario_proof.push_back({.without = RandomText(prng), .verdict = RandomText(prng)});
  }
  failure.minimized = prng.OneIn(2);
  failure.minimality = static_cast<Minimality>(prng.Below(3));
  failure.minimality_runs = prng.OneIn(2) ? prng.Next() : 0;
  failure.found_at_run = prng.OneIn(2) ? prng.Next() : 0;
  failure.seed = prng.Next();
  return failure;
}

}  // namespace shootdown

#endif  // SHOOTDOWN_TESTS_SUPPORT_FAILURE_BUILDER_H_
