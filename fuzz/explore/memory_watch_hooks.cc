// What guest code that is built with -fsanitize=thread calls at each access, in place of ThreadSanitizer's
// runtime (compiler-rt, tsan_interface.h), which is not linked.
#include <cstddef>
#include <cstring>

#include "fuzz/explore/memory_watch.h"

using shootdown::explore::MemoryWatch;

extern "C" {

void __tsan_init() {}
void __tsan_read1(void* a) { MemoryWatch::Read(a, 1); }
void __tsan_read2(void* a) { MemoryWatch::Read(a, 2); }
void __tsan_read4(void* a) { MemoryWatch::Read(a, 4); }
void __tsan_read8(void* a) { MemoryWatch::Read(a, 8); }
void __tsan_read16(void* a) { MemoryWatch::Read(a, 16); }
void __tsan_write1(void* a) { MemoryWatch::Write(a, 1); }
void __tsan_write2(void* a) { MemoryWatch::Write(a, 2); }
void __tsan_write4(void* a) { MemoryWatch::Write(a, 4); }
void __tsan_write8(void* a) { MemoryWatch::Write(a, 8); }
void __tsan_write16(void* a) { MemoryWatch::Write(a, 16); }
void __tsan_unaligned_read2(void* a) { MemoryWatch::Read(a, 2); }
void __tsan_unaligned_read4(void* a) { MemoryWatch::Read(a, 4); }
void __tsan_unaligned_read8(void* a) { MemoryWatch::Read(a, 8); }
void __tsan_unaligned_read16(void* a) { MemoryWatch::Read(a, 16); }
void __tsan_unaligned_write2(void* a) { MemoryWatch::Write(a, 2); }
void __tsan_unaligned_write4(void* a) { MemoryWatch::Write(a, 4); }
void __tsan_unaligned_write8(void* a) { MemoryWatch::Write(a, 8); }
void __tsan_unaligned_write16(void* a) { MemoryWatch::Write(a, 16); }
void __tsan_vptr_update(void* a, void*) { MemoryWatch::Write(a, sizeof(void*)); }
void __tsan_vptr_read(void* a) { MemoryWatch::Read(a, sizeof(void*)); }
void* __tsan_memcpy(void* to, const void* from, std::size_t size) {
  MemoryWatch::Read(from, size);
  MemoryWatch::Write(to, size);
  return std::memcpy(to, from, size);
}
void* __tsan_memmove(void* to, const void* from, std::size_t size) {
  MemoryWatch::Read(from, size);
  MemoryWatch::Write(to, size);
  return std::memmove(to, from, size);
}
void* __tsan_memset(void* to, int value, std::size_t size) {
  MemoryWatch::Write(to, size);
  return std::memset(to, value, size);
}
}  // extern "C"
