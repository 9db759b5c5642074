// SHOOTDOWN_ASAN: whether AddressSanitizer is at work. GCC says so by a macro, Clang by a feature; GCC 12 does
// not know __has_feature.
#ifndef SHOOTDOWN_FUZZ_BASE_ADDRESS_SANITIZER_H_
#define SHOOTDOWN_FUZZ_BASE_ADDRESS_SANITIZER_H_

#if defined(__SANITIZE_ADDRESS__)
#define SHOOTDOWN_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SHOOTDOWN_ASAN 1
#endif
#endif

#endif  // SHOOTDOWN_FUZZ_BASE_ADDRESS_SANITIZER_H_
