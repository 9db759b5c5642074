#include "proto/text_positions.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <string>
#include <string_view>

namespace shootdown {
namespace {

using google::protobuf::io::Tokenizer;

class IgnoreErrors : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int /*line*/, int /*column*/, const std::string& /*message*/) override {}
};

}  // namespace

// Reads the grammar that TextFormat accepts, and nothing stricter: the parser has done the judging.
class TextWalker {
 public:
  explicit TextWalker(std::string_view text)
      : stream_(text.data(), static_cast<int>(text.size())), tokenizer_(&stream_, &errors_) {
    // As google/protobuf/text_format.cc sets them: other settings would see other tokens.
    tokenizer_.set_allow_f_after_float(true);
    tokenizer_.set_comment_style(Tokenizer::SH_COMMENT_STYLE);
    tokenizer_.set_require_space_after_number(false);
    tokenizer_.set_allow_multiline_strings(true);
    tokenizer_.Next();
  }

  // Calls `visit(text, position)` for each token that is left.
  template <class Visit>
  void Tokens(const Visit& visit) {
    for (; !AtEnd(); tokenizer_.Next()) visit(tokenizer_.current().text, Here());
  }

  void Fields(TextPositions& fields, int depth = 0) {
    while (!AtEnd() && !Is("}") && !Is(">") && depth < kDepthMax) {
      Field(fields, depth);
    }
  }

 private:
  static constexpr int kDepthMax = 16;  // the parser stops before this

  void Field(TextPositions& fields, int depth) {
    const TextPosition start = Here();
    auto& elements = fields.fields_[tokenizer_.current().text];
    tokenizer_.Next();
    Skip(":");
    if (Skip("[")) {
      while (!AtEnd() && !Is("]")) {
        elements.push_back(Value(Here(), depth));
        Skip(",");
      }
      Skip("]");
    } else {
      elements.push_back(Value(start, depth));
    }
    if (!Skip(";")) Skip(",");
  }

  TextPositions::Element Value(TextPosition message_position, int depth) {
    TextPositions::Element element{.position = Here(), .inside = {}};
    if (Skip("{") || Skip("<")) {
      element.position = message_position;
      Fields(element.inside, depth + 1);
      tokenizer_.Next();
    } else if (tokenizer_.current().type == Tokenizer::TYPE_STRING) {
      while (tokenizer_.current().type == Tokenizer::TYPE_STRING) tokenizer_.Next();
    } else {
      Skip("-");
      tokenizer_.Next();
    }
    return element;
  }

  // Not const: protobuf's current() is not.
  [[nodiscard]] TextPosition Here() {
    return {.line = tokenizer_.current().line + 1, .column = tokenizer_.current().column + 1};
  }
  [[nodiscard]] bool AtEnd() { return tokenizer_.current().type == Tokenizer::TYPE_END; }
  [[nodiscard]] bool Is(std::string_view text) { return tokenizer_.current().text == text; }
  bool Skip(std::string_view text) {
    if (!Is(text)) return false;
    tokenizer_.Next();
    return true;
  }

  IgnoreErrors errors_;
  google::protobuf::io::ArrayInputStream stream_;
  Tokenizer tokenizer_;
};

TextPosition LastWordBefore(std::string_view text, std::string_view word, TextPosition position) {
  TextPosition last = position;
  TextWalker(text).Tokens([&](const std::string& token, TextPosition here) {
    if (token == word && here < position) last = here;
  });
  return last;
}

TextPositions TextPositions::Of(std::string_view text) {
  TextPositions positions;
  TextWalker(text).Fields(positions);
  return positions;
}

TextPosition TextPositions::At(std::string_view name, std::size_t index) const {
  const auto found = fields_.find(name);
  if (found == fields_.end() || index >= found->second.size()) return {};
  return found->second[index].position;
}

const TextPositions& TextPositions::In(std::string_view name, std::size_t index) const {
  static const TextPositions kNone;
  const auto found = fields_.find(name);
  if (found == fields_.end() || index >= found->second.size()) return kNone;
  return found->second[index].inside;
}

}  // namespace shootdown
