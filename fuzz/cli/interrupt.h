// Ctrl-C and SIGTERM, for commands that come to an end with what they have.
#ifndef SHOOTDOWN_FUZZ_CLI_INTERRUPT_H_
#define SHOOTDOWN_FUZZ_CLI_INTERRUPT_H_

namespace shootdown {

// From now on SIGINT and SIGTERM no longer end the program: Interrupted() is true after the first one.
void NoticeInterrupts();
[[nodiscard]] bool Interrupted();

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_INTERRUPT_H_
