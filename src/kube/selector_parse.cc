// The string form of label selectors. A recursive descent over tokens, with the error texts (and
// the leniences: "a in (,b)", "a=" , "in in (in)") of Kubernetes' own parser.
#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "base/text.h"
#include "kube/names.h"
#include "kube/selector.h"

namespace lateen::kube {
namespace {

enum class TokenKind {
  Bad,
  End,
  Close,
  Comma,
  Not,
  DoubleEquals,
  Equals,
  Greater,
  Word,
  In,
  Less,
  NotEquals,
  NotIn,
  Open,
};

struct Token {
  TokenKind kind = TokenKind::End;
  std::string text;
};

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool is_symbol(char c) {
  return std::string_view("=!(),><").find(c) != std::string_view::npos;
}

TokenKind symbol_kind(std::string_view text) {
  if (text == ")") return TokenKind::Close;
  if (text == ",") return TokenKind::Comma;
  if (text == "!") return TokenKind::Not;
  if (text == "==") return TokenKind::DoubleEquals;
  if (text == "=") return TokenKind::Equals;
  if (text == ">") return TokenKind::Greater;
  if (text == "<") return TokenKind::Less;
  if (text == "!=") return TokenKind::NotEquals;
  if (text == "(") return TokenKind::Open;
  return TokenKind::Bad;
}

// The longest operator at the start of `rest`: all single symbols are operators, so that one always
// is.
Token scan_symbol(std::string_view rest) {
  if (rest.size() >= 2 && symbol_kind(rest.substr(0, 2)) != TokenKind::Bad) {
    return {.kind = symbol_kind(rest.substr(0, 2)), .text = std::string(rest.substr(0, 2))};
  }
  return {.kind = symbol_kind(rest.substr(0, 1)), .text = std::string(rest.substr(0, 1))};
}

Token scan_word(std::string_view rest) {
  std::size_t length = 0;
  while (length < rest.size() && rest[length] != '\0' && !is_symbol(rest[length]) &&
         !is_blank(rest[length])) {
    ++length;
  }
  const std::string_view word = rest.substr(0, length);
  if (word == "in") return {.kind = TokenKind::In, .text = "in"};
  if (word == "notin") return {.kind = TokenKind::NotIn, .text = "notin"};
  return {.kind = TokenKind::Word, .text = std::string(word)};
}

std::vector<Token> scan(std::string_view text) {
  std::vector<Token> tokens;
  text = text.substr(0, text.find('\0'));
  while (true) {
    while (!text.empty() && is_blank(text.front()))
      text.remove_prefix(1);
    if (text.empty()) break;
    tokens.push_back(is_symbol(text.front()) ? scan_symbol(text) : scan_word(text));
    text.remove_prefix(tokens.back().text.size());
  }
  tokens.emplace_back();
  return tokens;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : tokens_(scan(text)) {}

  Result<std::vector<Requirement>> parse() {
    std::vector<Requirement> requirements;
    while (true) {
      const Token& first = peek();
      if (first.kind == TokenKind::End) return requirements;
      if (!starts_requirement(first)) {
        return unexpected(first, ", expected: !, identifier, or 'end of string'");
      }
      requirements.push_back(TRY(requirement().wrap("unable to parse requirement")));
      const Token& after = take();
      if (after.kind == TokenKind::End) return requirements;
      if (after.kind != TokenKind::Comma) {
        return unexpected(after, ", expected: ',' or 'end of string'");
      }
      if (!starts_requirement(peek()))
        return unexpected(peek(), ", expected: identifier after ','");
    }
  }

 private:
  // "in" and "notin" are words wherever an operator isn't expected.
  static bool is_word(const Token& token) {
    return token.kind == TokenKind::Word || token.kind == TokenKind::In ||
           token.kind == TokenKind::NotIn;
  }

  static bool starts_requirement(const Token& token) {
    return is_word(token) || token.kind == TokenKind::Not;
  }

  static Error unexpected(const Token& token, std::string_view expectation) {
    return Error(Code::InvalidArgument, "found '{}'{}", token.text, expectation);
  }

  const Token& peek() const { return tokens_[position_]; }

  // The End token is never left behind.
  const Token& take() {
    const Token& token = tokens_[position_];
    if (position_ + 1 < tokens_.size()) ++position_;
    return token;
  }

  Result<Requirement> requirement() {
    const bool negated = peek().kind == TokenKind::Not;
    if (negated) take();
    const Token& key = take();
    if (!is_word(key)) return unexpected(key, ", expected: identifier");
    if (const NameProblems problems = check_qualified_name(key.text); !problems.empty()) {
      return Error(Code::InvalidArgument, "<nil>: Invalid value: {}: {}", quote_go(key.text),
                   join_problems(problems));
    }
    if (negated) return make_requirement(key.text, SelectorOperator::DoesNotExist, {});
    if (peek().kind == TokenKind::End || peek().kind == TokenKind::Comma) {
      return make_requirement(key.text, SelectorOperator::Exists, {});
    }
    const SelectorOperator op = TRY(binary_operator());
    const bool is_set = op == SelectorOperator::In || op == SelectorOperator::NotIn;
    auto found = is_set ? value_set() : exact_value();
    if (!found) return std::move(found).error();
    std::vector<std::string> values = std::move(*found);
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    return make_requirement(key.text, op, std::move(values));
  }

  Result<SelectorOperator> binary_operator() {
    const Token& token = take();
    switch (token.kind) {
      case TokenKind::In:
        return SelectorOperator::In;
      case TokenKind::NotIn:
        return SelectorOperator::NotIn;
      case TokenKind::Equals:
        return SelectorOperator::Equals;
      case TokenKind::DoubleEquals:
        return SelectorOperator::DoubleEquals;
      case TokenKind::NotEquals:
        return SelectorOperator::NotEquals;
      case TokenKind::Greater:
        return SelectorOperator::GreaterThan;
      case TokenKind::Less:
        return SelectorOperator::LessThan;
      case TokenKind::Bad:
      case TokenKind::End:
      case TokenKind::Close:
      case TokenKind::Comma:
      case TokenKind::Not:
      case TokenKind::Word:
      case TokenKind::Open:
        break;
    }
    return unexpected(token, ", expected: in, notin, =, ==, !=, gt, lt");
  }

  // "(a,b)"; an empty place between commas or parentheses is the value "".
  Result<std::vector<std::string>> value_set() {
    const Token& open = take();
    if (open.kind != TokenKind::Open) return unexpected(open, " expected: '('");
    const Token& first = peek();
    if (first.kind == TokenKind::Close) {
      take();
      return std::vector<std::string>{""};
    }
    if (!is_word(first) && first.kind != TokenKind::Comma) {
      return unexpected(first, ", expected: ',', ')' or identifier");
    }
    std::vector<std::string> values = TRY(identifiers());
    if (take().kind != TokenKind::Close) return unexpected(first, ", expected: ')'");
    return values;
  }

  Result<std::vector<std::string>> identifiers() {
    std::vector<std::string> values;
    while (true) {
      const Token& token = take();
      if (is_word(token)) {
        values.push_back(token.text);
        if (peek().kind == TokenKind::Close) return values;
        if (peek().kind != TokenKind::Comma) return unexpected(peek(), ", expected: ',' or ')'");
      } else if (token.kind == TokenKind::Comma) {
        if (values.empty()) values.emplace_back();
        if (peek().kind == TokenKind::Close) {
          values.emplace_back();
          return values;
        }
        if (peek().kind == TokenKind::Comma) {
          take();
          values.emplace_back();
        }
      } else {
        return unexpected(token, ", expected: ',', or identifier");
      }
    }
  }

  Result<std::vector<std::string>> exact_value() {
    if (peek().kind == TokenKind::End || peek().kind == TokenKind::Comma) {
      return std::vector<std::string>{""};
    }
    const Token& token = take();
    if (!is_word(token)) return unexpected(token, ", expected: identifier");
    return std::vector<std::string>{token.text};
  }

  const std::vector<Token> tokens_;
  std::size_t position_ = 0;
};

}  // namespace

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  LabelSelector selector;
  selector.requirements_ = TRY(Parser(text).parse());
  std::stable_sort(selector.requirements_.begin(), selector.requirements_.end(),
                   [](const Requirement& a, const Requirement& b) { return a.key < b.key; });
  return selector;
}

}  // namespace lateen::kube
