#include <bit>
#include <cstdint>

#include "absl/strings/str_format.h"
#include "proto/scenario_message.h"

namespace shootdown {
namespace {

class MachineReader {
 public:
  MachineReader(const v1::Machine& message, const TextPositions& positions,
                ScenarioMistakes& mistakes)
      : message_(message), positions_(positions), mistakes_(mistakes) {}

  // Ranges: fuzz/sim/machine_config.h.
  [[nodiscard]] sim::MachineConfig Read() {
    const v1::Machine& in = message_;
    sim::MachineConfig& out = machine_;
    ReadNumber("cpus", in.has_cpus(), in.cpus(), 1, 64, out.cpu_count);
    ReadNumber("store_buffer_entries", in.has_store_buffer_entries(), in.store_buffer_entries(), 1,
               16, out.store_buffer_entries);
    ReadNumber("tlb_entries", in.has_tlb_entries(), in.tlb_entries(), 1, 64, out.tlb_entries);
    ReadNumber("tlb_sharing", in.has_tlb_sharing(), in.tlb_sharing(), 1, 8, out.tlb_sharing);
    ReadNumber("mondo_queue_entries", in.has_mondo_queue_entries(), in.mondo_queue_entries(), 1, 16,
               out.mondo_queue_entries);
    ReadNumber("mondo_delay_max", in.has_mondo_delay_max(), in.mondo_delay_max(), 0, 255,
               out.mondo_delay_max);
    ReadNumber("step_count_max", in.has_step_count_max(), in.step_count_max(), 100, kStepCountMax,
               out.step_count_max);
    ReadNumber("context_count", in.has_context_count(), in.context_count(), 4, 64,
               out.context_count, Shape::kPowerOfTwo);
    ReadNumber("tsb_entries", in.has_tsb_entries(), in.tsb_entries(), 1, 64, out.tsb_entries,
               Shape::kPowerOfTwo);
    ReadNumber("page_count", in.has_page_count(), in.page_count(), 1, 64, out.page_count);
    if (out.tlb_sharing > out.cpu_count) {
      mistakes_.Add(
          positions_.At("tlb_sharing"),
          absl::StrFormat("tlb_sharing: %d CPUs share a TLB, but there are %d, wanted 1 .. %d",
                          out.tlb_sharing, out.cpu_count, out.cpu_count));
    }
    ReadEnums();
    return machine_;
  }

 private:
  enum class Shape { kAny, kPowerOfTwo };

  template <class Number>
  void ReadNumber(const char* field, bool present, std::int32_t value, std::int32_t least,
                  std::int32_t most, Number& out, Shape shape = Shape::kAny) {
    if (!present) return;
    const bool power_ok =
        shape == Shape::kAny || std::has_single_bit(static_cast<std::uint32_t>(value));
    if (value < least || value > most || !power_ok) {
      mistakes_.Add(positions_.At(field),
                    absl::StrFormat("%s: %d, wanted %s%d .. %d", field, value,
                                    shape == Shape::kAny ? "" : "a power of two, ", least, most));
      return;  // the default stays, so that this error brings no others
    }
    out = static_cast<Number>(value);
  }

  // The text parser lets numbers stand for names, so any number can come here.
  void ReadEnums() {
    const v1::Machine& in = message_;
    sim::MachineConfig& out = machine_;
    if (in.has_memory_model()) {
      switch (in.memory_model()) {
        case v1::Machine::SC:
          out.memory_model = sim::MemoryModel::kSc;
          break;
        case v1::Machine::TSO:
          out.memory_model = sim::MemoryModel::kTso;
          break;
        case v1::Machine::PSO:
          out.memory_model = sim::MemoryModel::kPso;
          break;
        case v1::Machine::RMO:
          out.memory_model = sim::MemoryModel::kRmo;
          break;
        default:
          FailEnum("memory_model", in.memory_model(), "SC or TSO or PSO or RMO");
      }
    }
    if (in.has_mondo_flavour()) {
      switch (in.mondo_flavour()) {
        case v1::Machine::SUN4U:
          out.mondo_flavour = sim::MondoFlavour::kSun4u;
          break;
        case v1::Machine::SUN4V:
          out.mondo_flavour = sim::MondoFlavour::kSun4v;
          break;
        default:
          FailEnum("mondo_flavour", in.mondo_flavour(), "SUN4U or SUN4V");
      }
    }
    if (in.has_mondo_done()) {
      switch (in.mondo_done()) {
        case v1::Machine::ACCEPTED:
          out.mondo_done = sim::MondoDone::kAccepted;
          break;
        case v1::Machine::EXECUTED:
          out.mondo_done = sim::MondoDone::kExecuted;
          break;
        default:
          FailEnum("mondo_done", in.mondo_done(), "ACCEPTED or EXECUTED");
      }
    }
  }

  void FailEnum(const char* field, int value, const char* wanted) {
    mistakes_.Add(positions_.At(field),
                  absl::StrFormat("%s: value number %d, wanted %s", field, value, wanted));
  }

  const v1::Machine& message_;
  const TextPositions& positions_;
  ScenarioMistakes& mistakes_;
  sim::MachineConfig machine_;
};

}  // namespace

sim::MachineConfig ReadMachineMessage(const v1::Machine& machine, const TextPositions& positions,
                                      ScenarioMistakes& mistakes) {
  return MachineReader(machine, positions, mistakes).Read();
}

}  // namespace shootdown
