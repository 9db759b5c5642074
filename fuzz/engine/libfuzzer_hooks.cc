#include "fuzz/engine/libfuzzer_hooks.h"

#include <algorithm>
#include <array>

#include "fuzz/engine/mutator.h"

namespace {

// libFuzzer scans this section after each run. 8 values of 256 counters can each be new once; news
// beyond that share a counter and may go unheard, which a corpus of that size does not miss.
constexpr std::size_t kCounterCount = 256;
constexpr std::size_t kNewsCountMax = kCounterCount * 8;

}  // namespace

extern "C" {
__attribute__((section("__libfuzzer_extra_counters"), used)) std::uint8_t
    shootdown_counters[kCounterCount];
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t size_max,
                                    unsigned int seed);
std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* data1, std::size_t size1,
                                      const std::uint8_t* data2, std::size_t size2,
                                      std::uint8_t* out, std::size_t size_max, unsigned int seed);
}

namespace shootdown {
namespace {

Target* the_target = nullptr;
const SearchListener* the_listener = nullptr;
std::uint64_t the_kept_run_count = 0;
std::size_t news_count = 0;

Schedule Decode(const std::uint8_t* data, std::size_t size) {
  const std::size_t size_max = kDecisionCountMax * Schedule::kRecordBytes;
  return Schedule::Decode({data, std::min(size, size_max)});
}

std::size_t Write(const Schedule& schedule, std::uint8_t* data, std::size_t size_max) {
  const std::vector<std::uint8_t> bytes = schedule.Encode();
  const std::size_t size =
      std::min(bytes.size(), size_max / Schedule::kRecordBytes * Schedule::kRecordBytes);
  std::copy_n(bytes.data(), size, data);
  if (size != 0 || size_max == 0) return size;
  data[0] = 0;  // libFuzzer wants a byte at least; it decodes to the empty schedule
  return 1;
}

// The values that libFuzzer tells apart, each in its own bucket.
constexpr std::array<std::uint8_t, 8> kBuckets = {1, 2, 3, 4, 8, 16, 32, 128};

}  // namespace

void SetLibFuzzerTarget(Target* target, const SearchListener* listener,
                        std::uint64_t kept_run_count) {
  the_target = target;
  the_listener = listener;
  the_kept_run_count = kept_run_count;
  news_count = 0;
}

int RunLibFuzzerInput(const std::uint8_t* data, std::size_t size) {
  const Schedule schedule = Decode(data, size);
  const std::size_t news = the_target->Run(schedule);
  if (news != 0 || the_target->run_count() <= the_kept_run_count) {
    const std::size_t n = news_count++ % kNewsCountMax;
    shootdown_counters[n % kCounterCount] = kBuckets[n / kCounterCount];
  }
  if (news != 0 && the_listener->input) the_listener->input(schedule.Encode());
  if (the_listener->ran) the_listener->ran(*the_target);
  return 0;
}

}  // namespace shootdown

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned int seed) {
  using namespace shootdown;
  Prng prng(seed);
  the_target->EnsureLastRun(Decode(data, size));
  return Write(Mutate(the_target->machine(), prng), data, size_max);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* data1, std::size_t size1,
                                                 const std::uint8_t* data2, std::size_t size2,
                                                 std::uint8_t* out, std::size_t size_max,
                                                 unsigned int seed) {
  using namespace shootdown;
  Prng prng(seed);
  // libFuzzer crosses as often as it mutates; race reversal is worth more. 0 makes it draw again.
  if (!prng.OneIn(4)) return 0;
  return Write(CrossOver(Decode(data1, size1), Decode(data2, size2), prng), out, size_max);
}
