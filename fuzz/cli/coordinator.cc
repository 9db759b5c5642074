#include "fuzz/cli/coordinator.h"

#include "absl/strings/str_format.h"
#include "fuzz/options/name_of_a.h"

namespace shootdown {
namespace {

constexpr std::chrono::seconds kPatience{3};
constexpr std::chrono::milliseconds kPatienceOfEach{100};

}  // namespace

CLI::Option* CoordinatorFlags::AddTo(CLI::App& command, Presence presence) {
  auto* const coordinator =
      command
          .add_option("--coordinator", addresses, "HOST:PORT of a coordinator, or several with commas")
          ->required(presence == Presence::kRequired);
  command.add_option("--tls-ca", tls.ca, "certificate of who signed the coordinator's")
      ->check(NameOfA("file"))
      ->needs(coordinator);
  command.add_option("--tls-cert", tls.cert, "our certificate; it says our role")
      ->check(NameOfA("file"))
      ->needs(coordinator);
  command.add_option("--tls-key", tls.key, "its key")->check(NameOfA("file"))->needs(coordinator);
  command.add_flag("--insecure", insecure, "plain text to another machine")->needs(coordinator);
  return coordinator;
}

absl::StatusOr<CoordinatorConnection> CoordinatorConnection::Open(const CoordinatorFlags& flags) {
  const absl::StatusOr<std::vector<Address>> addresses = ParseAddresses(flags.addresses);
  if (!addresses.ok()) {
    return absl::InvalidArgumentError("--coordinator: " +
                                      std::string(addresses.status().message()));
  }
  CoordinatorConnection connection;
  for (const Address& address : *addresses) {
    auto channel = Connect(address, flags.tls, flags.insecure ? Insecure::kYes : Insecure::kNo);
    if (!channel.ok()) return channel.status();
    connection.names_.push_back(address.ToText());
    connection.channels_.push_back(*std::move(channel));
  }
  return connection;
}

void CoordinatorConnection::FindOne(const std::function<bool()>& stopped) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  do {
    for (std::size_t tries = 0; tries < channels_.size(); ++tries) {
      if (stopped() || AwaitConnection(*channels_[current_], kPatienceOfEach)) return;
      current_ = (current_ + 1) % channels_.size();
    }
  } while (std::chrono::steady_clock::now() < end);
}

absl::Status CoordinatorConnection::Named(const absl::Status& status) const {
  return {status.code(),
          absl::StrFormat("coordinator %s: %s", names_[current_], std::string(status.message()))};
}

}  // namespace shootdown
