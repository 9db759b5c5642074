#include "proto/rpc/address.h"

#include <gtest/gtest.h>

namespace shootdown {
namespace {

TEST(AddressTest, HostAndPortAreReadAndWrittenBack) {
  for (const char* const text : {"127.0.0.1:7420", "localhost:0", "[::1]:65535", "a-b.example:1"}) {
    const absl::StatusOr<Address> address = ParseAddress(text);

    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(address->ToText(), text);
  }
}

TEST(AddressTest, WhatIsNoAddressIsRefusedWithWhatWasWanted) {
  for (const char* const text :
       {"", ":", ":1", "host", "host:", "host:x", "host:-1", "host:65536", "host:1:2", "[::1:1",
        "[1.2.3.4]:1", "ho st:1", "host:99999999999999999999", "\x01:1", "host: 1"}) {
    const absl::StatusOr<Address> address = ParseAddress(text);

    EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(std::string(address.status().message()).find("HOST:PORT"), std::string::npos);
  }
}

TEST(AddressTest, OnlyThisMachineIsLoopback) {
  struct Case {
    const char* host;
    bool loopback;
  };
  for (const Case& c : {Case{"localhost", true}, {"127.0.0.1", true}, {"127.9.9.9", true},
                        {"::1", true}, {"0.0.0.0", false}, {"::", false}, {"10.0.0.1", false},
                        {"127.0.0.1.example", false}, {"localhost.example", false}}) {
    EXPECT_EQ((Address{.host = c.host, .port = 1}).IsLoopback(), c.loopback) << c.host;
  }
}

TEST(AddressTest, ListsKeepTheirOrderAndAllMustBeGood) {
  const auto two = ParseAddresses("b:2,a:1");

  ASSERT_TRUE(two.ok());
  EXPECT_EQ(two->front().host, "b");
  EXPECT_EQ(two->back().port, 1);
  EXPECT_FALSE(ParseAddresses("b:2,").ok());
  EXPECT_FALSE(ParseAddresses("").ok());
}

TEST(AddressTest, NobodyCanConnectToPortZero) {
  EXPECT_TRUE(ParseAddress("localhost:0").ok());

  EXPECT_EQ(std::string(ParseAddresses("localhost:0").status().message()),
            "address \"localhost:0\", wanted HOST:PORT with a port of 1 to 65535");
}

}  // namespace
}  // namespace shootdown
