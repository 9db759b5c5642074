#include "server/roles.h"

#include <gtest/gtest.h>

namespace shootdown::server {
namespace {

TEST(RolesTest, ARoleIsReadFromItsUri) {
  EXPECT_EQ(ParseRole("shootdown://worker/w1").value(), Role::kWorker);
  EXPECT_EQ(ParseRole("shootdown://operator/alice").value(), Role::kOperator);
  EXPECT_EQ(ParseRole("shootdown://viewer/wall-screen").value(), Role::kViewer);
}

TEST(RolesTest, AnythingElseIsNoRole) {
  for (const char* uri :
       {"", "shootdown://", "shootdown://admin/x", "shootdown://worker/", "shootdown://worker",
        "http://worker/w", "shootdown://worker/a/b", "shootdown://Worker/w"}) {
    EXPECT_FALSE(ParseRole(uri).ok()) << uri;
  }
}

}  // namespace
}  // namespace shootdown::server
