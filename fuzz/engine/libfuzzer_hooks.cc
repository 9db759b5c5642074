#include "fuzz/engine/libfuzzer_hooks.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "fuzz/engine/mutator.h"
#include "fuzz/engine/sampler_share.h"

namespace {

// libFuzzer scans this section after each run. 8 values of 256 counters can each be new once; after so many
// news their numbers are moved on (BeginGeneration).
constexpr std::size_t kCounterCount = 256;
constexpr std::size_t kNewsOfGeneration = kCounterCount * 8;

}  // namespace

extern "C" {
// libFuzzer's own: more counters, which it scans as well. It numbers them before those of the section.
void __sanitizer_cov_8bit_counters_init(std::uint8_t* start, std::uint8_t* stop);

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
sim::Scheduler* the_sampler = nullptr;
std::size_t news_count = 0;

SamplerShare share;

constexpr std::size_t kInputBytesMax = kDecisionCountMax * Schedule::kRecordBytes;

// One input as libFuzzer has it, and as we have it. What a mutator wrote is what is run next, and is
// what the next mutator starts from, so it is hardly ever decoded.
class Input {
 public:
  const Schedule& Of(const std::uint8_t* data, std::size_t size) {
    size = std::min(size, kInputBytesMax);
    if (!std::ranges::equal(std::span(data, size), std::span(bytes_).first(size_)) || size == 0) {
      schedule_ = Schedule::Decode({data, size}, std::move(schedule_));
      Keep(data, size);
    }
    return schedule_;
  }

  // Writes `schedule`, which is canonical and takes the place of what was here. Returns the size.
  std::size_t Write(Schedule& schedule, std::uint8_t* data, std::size_t size_max) {
    std::size_t size = schedule.EncodeTo({data, size_max});
    if (size == 0 && size_max != 0) data[size++] = 0;  // libFuzzer wants a byte at least
    std::swap(schedule_, schedule);
    const bool whole = size >= schedule_.size() * Schedule::kRecordBytes;
    Keep(data, whole ? std::min(size, kInputBytesMax) : 0);
    return size;
  }

 private:
  void Keep(const std::uint8_t* data, std::size_t size) {
    std::copy_n(data, size, bytes_.begin());
    size_ = size;
  }

  std::array<std::uint8_t, kInputBytesMax> bytes_{};
  std::size_t size_ = 0;  // 0: decode
  Schedule schedule_;
};

// A run of the sampler was made in place of a mutation: libFuzzer's next run is that one.
bool sampled = false;

Input input;
Schedule child;  // these are kept for their memory
Schedule mate;

// The schedules of these runs are too long to be mutated, so libFuzzer keeps none.
void RunSampler() {
  const bool news = the_target->Run(*the_sampler) != 0;
  share.HearOfSample(news);
  if (news && the_listener->input) {
    the_listener->input(ExactSchedule(the_target->machine().moves_made()).Encode());
  }
}

// The values that libFuzzer tells apart, each in its own bucket.
constexpr std::array<std::uint8_t, 8> kBuckets = {1, 2, 3, 4, 8, 16, 32, 128};

// All numbers that the section's counters have were seen, and libFuzzer would keep no input any more. As many
// counters that stay zero, put before them, give them numbers that were not. Each such block is scanned after each
// run, so there is one only where a search has that much news.
void BeginGeneration() {
  static std::vector<std::unique_ptr<std::array<std::uint8_t, kCounterCount>>> blocks;
  auto& block = *blocks.emplace_back(std::make_unique<std::array<std::uint8_t, kCounterCount>>());
  __sanitizer_cov_8bit_counters_init(block.data(), block.data() + block.size());
}

void TellNews() {
  if (news_count != 0 && news_count % kNewsOfGeneration == 0) BeginGeneration();
  const std::size_t n = news_count++ % kNewsOfGeneration;
  shootdown_counters[n % kCounterCount] = kBuckets[n / kCounterCount];
}

}  // namespace

void SetLibFuzzerTarget(Target* target, const SearchListener* listener, sim::Scheduler* sampler,
                        std::uint64_t kept_run_count) {
  the_target = target;
  the_listener = listener;
  the_kept_run_count = kept_run_count;
  news_count = 0;
  the_sampler = sampler;
  sampled = false;
  share = SamplerShare();
}

int RunLibFuzzerInput(const std::uint8_t* data, std::size_t size) {
  if (std::exchange(sampled, false)) {
    if (the_listener->ran) the_listener->ran(*the_target);
    return 0;
  }
  const Schedule& schedule = input.Of(data, size);
  // libFuzzer runs the empty schedule twice; once is enough.
  if (the_sampler != nullptr && schedule.size() == 0 && the_target->run_count() == 1) {
    RunSampler();
    if (the_listener->ran) the_listener->ran(*the_target);
    return 0;
  }
  const std::size_t news = the_target->Run(schedule);
  if (news != 0 || the_target->run_count() <= the_kept_run_count) {
    TellNews();
  }
  if (news != 0 && the_listener->input) the_listener->input(schedule.Encode());
  if (the_listener->ran) the_listener->ran(*the_target);
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t size_max, unsigned int seed) {
  Prng prng(seed);
  // A sample in place of a mutation: the parent stays as it is.
  if (the_sampler != nullptr && share.TakesNext(the_target->run_count(), prng)) {
    sampled = true;
    RunSampler();
    if (size != 0) return size;
    data[0] = 0;  // libFuzzer wants a byte at least
    return 1;
  }
  the_target->EnsureLastRun(input.Of(data, size));
  child = Mutate(the_target->machine(), prng, std::move(child));
  return input.Write(child, data, size_max);
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(const std::uint8_t* data1, std::size_t size1,
                                                 const std::uint8_t* data2, std::size_t size2,
                                                 std::uint8_t* out, std::size_t size_max,
                                                 unsigned int seed) {
  Prng prng(seed);
  // libFuzzer crosses as often as it mutates; race reversal is worth more. 0 makes it draw again. At first there is
  // nothing to cross, and a crossing takes the place of a sample.
  if (!prng.OneIn(4)) return 0;
  if (the_sampler != nullptr && SamplerShare::Early(the_target->run_count())) return 0;
  mate = Schedule::Decode({data2, std::min(size2, kInputBytesMax)}, std::move(mate));
  child = CrossOver(input.Of(data1, size1), mate, prng, std::move(child));
  return input.Write(child, out, size_max);
}

}  // namespace shootdown
