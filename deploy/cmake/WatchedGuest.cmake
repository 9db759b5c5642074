# The code that runs in guest memory once more, built so that each of its accesses is seen
# (fuzz/explore/memory_watch.h). In a program with the objects of shootdown_watched_guest this code runs, and not
# that of the libraries, since objects come first. By Clang, and not beside AddressSanitizer, which watches for
# itself.
if(SHOOTDOWN_SANITIZE OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  return()
endif()

add_library(shootdown_memory_hooks OBJECT explore/memory_watch_hooks.cc)
target_link_libraries(shootdown_memory_hooks PRIVATE shootdown::explore shootdown::options)

# What guest code is built with, a test's own too. Calls, returns and atomics (of what no guest shares) are of no
# interest.
add_library(shootdown_watched_options INTERFACE)
target_compile_options(shootdown_watched_options INTERFACE -fsanitize=thread
  "SHELL:-mllvm -tsan-instrument-func-entry-exit=0" "SHELL:-mllvm -tsan-instrument-atomics=0")

add_library(shootdown_watched_guest OBJECT)
target_link_libraries(shootdown_watched_guest
  PRIVATE shootdown::scenario shootdown::program shootdown::schedule shootdown::options
    shootdown_watched_options
  INTERFACE shootdown_memory_hooks)
target_sources(shootdown_watched_guest INTERFACE $<TARGET_OBJECTS:shootdown_memory_hooks>)
foreach(library sim kernel check scenario program)
  get_target_property(sources shootdown_${library} SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.cc$")
  list(TRANSFORM sources PREPEND "${library}/")
  target_sources(shootdown_watched_guest PRIVATE ${sources})
endforeach()
