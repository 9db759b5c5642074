// The page of `replay --html`, from html_page.html. @TITLE@, @TABLE@ and @DATA@ are filled in for each run.
#ifndef SHOOTDOWN_FUZZ_CLI_HTML_PAGE_H_
#define SHOOTDOWN_FUZZ_CLI_HTML_PAGE_H_

namespace shootdown {

extern const char* const kHtmlPage;

}  // namespace shootdown

#endif  // SHOOTDOWN_FUZZ_CLI_HTML_PAGE_H_
