// The list of findings comes in pages that have each finding once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/server/server_testing.h"

namespace shootdown::server {
namespace {

using ::testing::ElementsAre;

v1::ListFindingsResponse Page(Coordinator& coordinator, std::uint32_t size, const std::string& token) {
  v1::ListFindingsRequest request;
  request.set_page_size(size);
  request.set_page_token(token);
  const auto page = coordinator.ListFindings(request);
  SHOOTDOWN_CHECK(page.ok());
  return *page;
}

TEST(FindingListTest, PagesHaveEachFindingOnceAscendingById) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker finder(*coordinator, '1');
  std::vector<std::string> reported;
  for (int n = 1; n <= 5; ++n) reported.push_back(Report(finder, campaign, n, kNoon));
  std::ranges::sort(reported);

  std::vector<std::string> listed;
  std::vector<int> lengths;
  std::string token;
  do {
    const v1::ListFindingsResponse page = Page(*coordinator, 2, token);
    lengths.push_back(page.findings_size());
    for (const v1::Finding& finding : page.findings()) listed.push_back(finding.id());
    token = page.next_page_token();
  } while (!token.empty());

  EXPECT_EQ(listed, reported);
  EXPECT_THAT(lengths, ElementsAre(2, 2, 1));
}

TEST(FindingListTest, APageThatHoldsAllHasNoNext) {
  CoordinatorFixture coordinator;
  const std::string campaign = coordinator.Create();
  FakeWorker finder(*coordinator, '1');
  for (int n = 1; n <= 2; ++n) (void)Report(finder, campaign, n, kNoon);

  const v1::ListFindingsResponse page = Page(*coordinator, 2, "");

  EXPECT_EQ(page.findings_size(), 2);
  EXPECT_EQ(page.next_page_token(), "");
}

TEST(FindingListTest, WhatCannotBeAPageSizeIsRefused) {
  CoordinatorFixture coordinator;
  v1::ListFindingsRequest request;
  request.set_page_size(1001);
  EXPECT_EQ(coordinator->ListFindings(request).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace shootdown::server
