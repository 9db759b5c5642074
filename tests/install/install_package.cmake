# The steps of the test install_package: see CMakeLists.txt for what it is given.
cmake_minimum_required(VERSION 3.25)

set(prefix ${scratch_dir}/prefix)
set(user_build_dir ${scratch_dir}/build)

# A sanitized library can only be linked by a sanitized program.
set(cxx_flags "")
if(sanitize)
  set(cxx_flags "-fsanitize=address,undefined -fno-sanitize-recover=all")
endif()

function(run what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${what}: status ${status} from: ${ARGN}")
  endif()
endfunction()

# From nothing, so that what an earlier run installed cannot stand in for what is missing now.
file(REMOVE_RECURSE ${scratch_dir})
run("installing" ${CMAKE_COMMAND} --install ${build_dir} --prefix ${prefix})
run("configuring the user's project" ${CMAKE_COMMAND} -G Ninja -S ${user_project_dir}
  -B ${user_build_dir} -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_CXX_COMPILER=${cxx_compiler}
  -D CMAKE_BUILD_TYPE=${build_type} -D CMAKE_CXX_FLAGS=${cxx_flags})
run("building the user's project" ${CMAKE_COMMAND} --build ${user_build_dir})
run("running the user's program" ${user_build_dir}/user)
run("running the user's small program" ${user_build_dir}/store_buffering)
execute_process(COMMAND ${user_build_dir}/mailbox RESULT_VARIABLE status OUTPUT_VARIABLE said)
file(READ ${program_readme} readme)
string(FIND "${readme}" "```\n${said}```" at)
if(NOT status EQUAL 0 OR at EQUAL -1)
  message(FATAL_ERROR "the user's search and proof: status ${status}; ${program_readme} does not show what it printed:\n${said}")
endif()
run("running the installed shootdown" ${prefix}/bin/shootdown scenarios)

# What fuzz/kernel/README.md shows is what it says: one file, under 40 lines, that finds the broken version
# and nothing in the other.
file(READ ${kernel_readme} readme)
string(FIND "${readme}" "```cpp\n" begin)
string(SUBSTRING "${readme}" ${begin} -1 block)
string(SUBSTRING "${block}" 7 -1 block)
string(FIND "${block}" "```\n" end)
string(SUBSTRING "${block}" 0 ${end} block)
string(REGEX REPLACE "[^\n]" "" lines "${block}")
string(LENGTH "${lines}" line_count)
if(line_count GREATER_EQUAL 40)
  message(FATAL_ERROR "the program in ${kernel_readme} has ${line_count} lines, wanted under 40")
endif()
file(COPY ${user_project_dir}/CMakeLists.txt ${user_project_dir}/store_buffering.cc ${user_project_dir}/mailbox.cc
  DESTINATION ${scratch_dir}/readme)
file(WRITE ${scratch_dir}/readme/main.cc "${block}")
run("configuring the README's program" ${CMAKE_COMMAND} -G Ninja -S ${scratch_dir}/readme
  -B ${scratch_dir}/readme/build -D CMAKE_PREFIX_PATH=${prefix} -D CMAKE_CXX_COMPILER=${cxx_compiler}
  -D CMAKE_BUILD_TYPE=${build_type} -D CMAKE_CXX_FLAGS=${cxx_flags})
run("building the README's program" ${CMAKE_COMMAND} --build ${scratch_dir}/readme/build)
execute_process(COMMAND ${scratch_dir}/readme/build/user RESULT_VARIABLE status OUTPUT_VARIABLE found)
if(NOT status EQUAL 0 OR NOT found MATCHES "forgets: stale_tlb_use" OR found MATCHES "flushes: ")
  message(FATAL_ERROR "the README's program: status ${status}, and it printed:\n${found}")
endif()

# The package must stand by itself: nothing in it may lead back to this checkout.
file(GLOB package_files ${prefix}/lib*/cmake/shootdown/*.cmake ${prefix}/lib/*/cmake/shootdown/*.cmake)
foreach(package_file IN LISTS package_files)
  file(READ ${package_file} text)
  string(FIND "${text}" "${build_dir}" at)
  if(NOT at EQUAL -1)
    message(FATAL_ERROR "${package_file} names the build folder ${build_dir}")
  endif()
endforeach()
