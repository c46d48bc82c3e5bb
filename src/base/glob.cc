// glob_match of text.h. A pattern is cut into tokens; on a mismatch matching goes back to the last
// * only, so that no pattern takes longer than the product of both lengths. Alternatives in braces
// are spelled out beforehand, up to a bound.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/text.h"
#include "base/utf8.h"

namespace lateen {

namespace {

// More alternatives than a person writes; beyond it the pattern counts as malformed.
constexpr std::size_t kMaxAlternatives = 256;

struct Token {
  enum class Kind : std::uint8_t { Literal, AnyText, AnyCharacter, Set };
  Kind kind = Kind::Literal;
  char32_t literal = 0;
  bool negated = false;
  std::vector<std::pair<char32_t, char32_t>> ranges =
      {};  // NOLINT(readability-redundant-member-init): g++ wants it

  bool fits(char32_t c) const {
    switch (kind) {
      case Kind::Literal:
        return c == literal;
      case Kind::AnyText:
      case Kind::AnyCharacter:
        return true;
      case Kind::Set:
        break;
    }
    const bool inside = std::any_of(ranges.begin(), ranges.end(),
                                    [c](const auto& r) { return c >= r.first && c <= r.second; });
    return inside != negated;
  }
};

using Tokens = std::vector<Token>;

char32_t next_character(std::string_view& text) {
  const Utf8Char c = decode_utf8(text);
  text.remove_prefix(c.length);
  return c.value;
}

// The set whose '[' has just been taken: [abc], [a-z], [!a]. Nothing if it does not end.
std::optional<Token> parse_set(std::string_view& rest) {
  Token token{.kind = Token::Kind::Set};
  if (rest.starts_with('!')) {
    token.negated = true;
    rest.remove_prefix(1);
  }
  while (!rest.empty()) {
    char32_t first = next_character(rest);
    if (first == U']' && !token.ranges.empty()) return token;
    if (first == U'\\' && !rest.empty()) first = next_character(rest);
    char32_t last = first;
    if (rest.size() >= 2 && rest[0] == '-' && rest[1] != ']') {
      rest.remove_prefix(1);
      last = next_character(rest);
    }
    if (last < first) return std::nullopt;
    token.ranges.emplace_back(first, last);
  }
  return std::nullopt;
}

// A pattern without braces. Nothing if it is malformed.
std::optional<Tokens> parse_tokens(std::string_view pattern) {
  Tokens tokens;
  while (!pattern.empty()) {
    const char32_t c = next_character(pattern);
    if (c == U'*') {
      const bool again = !tokens.empty() && tokens.back().kind == Token::Kind::AnyText;
      if (!again) tokens.push_back({.kind = Token::Kind::AnyText});
    } else if (c == U'?') {
      tokens.push_back({.kind = Token::Kind::AnyCharacter});
    } else if (c == U'[') {
      std::optional<Token> set = parse_set(pattern);
      if (!set) return std::nullopt;
      tokens.push_back(std::move(*set));
    } else if (c == U'\\') {
      if (pattern.empty()) return std::nullopt;
      tokens.push_back({.literal = next_character(pattern)});
    } else {
      tokens.push_back({.literal = c});
    }
  }
  return tokens;
}

// Where the brace that opens at `open` closes and its commas lie, or nothing.
struct Braces {
  std::size_t close;
  std::vector<std::size_t> commas;
};

std::optional<Braces> find_braces(std::string_view pattern, std::size_t open) {
  Braces braces{.close = 0, .commas = {}};
  int depth = 0;
  for (std::size_t i = open; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\') {
      ++i;
    } else if (c == '{') {
      ++depth;
    } else if (c == ',' && depth == 1) {
      braces.commas.push_back(i);
    } else if (c == '}' && --depth == 0) {
      braces.close = i;
      return braces;
    }
  }
  return std::nullopt;
}

std::size_t find_open_brace(std::string_view pattern) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
    } else if (pattern[i] == '{') {
      return i;
    }
  }
  return std::string_view::npos;
}

// `pattern` without braces, in all its readings, added to `out`. False if malformed or too many.
bool spell_out(const std::string& pattern, std::vector<std::string>& out) {
  std::vector<std::string> pending{pattern};
  while (!pending.empty()) {
    const std::string current = std::move(pending.back());
    pending.pop_back();
    const std::size_t open = find_open_brace(current);
    if (open == std::string::npos) {
      out.push_back(current);
      continue;
    }
    std::optional<Braces> braces = find_braces(current, open);
    if (!braces || out.size() + pending.size() + braces->commas.size() >= kMaxAlternatives) {
      return false;
    }
    braces->commas.push_back(braces->close);
    std::size_t from = open + 1;
    for (const std::size_t to : braces->commas) {
      pending.push_back(current.substr(0, open) + current.substr(from, to - from) +
                        current.substr(braces->close + 1));
      from = to + 1;
    }
  }
  return true;
}

// Going back to the last * is enough: an earlier one that took more could only leave less text to
// the rest.
bool match_tokens(const Tokens& tokens, std::string_view text) {
  std::size_t at = 0;
  std::optional<std::size_t> star;
  std::string_view star_text;
  while (!text.empty()) {
    if (at < tokens.size() && tokens[at].kind == Token::Kind::AnyText) {
      star = at++;
      star_text = text;
      continue;
    }
    std::string_view rest = text;
    const char32_t c = next_character(rest);
    if (at < tokens.size() && tokens[at].fits(c)) {
      ++at;
      text = rest;
    } else if (star) {
      next_character(star_text);
      text = star_text;
      at = *star + 1;
    } else {
      return false;
    }
  }
  while (at < tokens.size() && tokens[at].kind == Token::Kind::AnyText)
    ++at;
  return at == tokens.size();
}

}  // namespace

// Asked for every object and every name in a list of excludes: comparing is several times as fast
// as find_first_of, which calls memchr for each character.
bool is_glob(std::string_view pattern) {
  return std::any_of(pattern.begin(), pattern.end(), [](char c) {
    return c == '*' || c == '?' || c == '[' || c == '{' || c == '\\';
  });
}

bool glob_match(std::string_view pattern, std::string_view text) {
  if (!is_glob(pattern)) return pattern == text;
  std::vector<std::string> readings;
  if (!spell_out(std::string(pattern), readings)) return pattern == text;
  std::vector<Tokens> parsed;
  for (const std::string& reading : readings) {
    std::optional<Tokens> tokens = parse_tokens(reading);
    if (!tokens) return pattern == text;
    parsed.push_back(std::move(*tokens));
  }
  return std::any_of(parsed.begin(), parsed.end(),
                     [text](const Tokens& t) { return match_tokens(t, text); });
}

}  // namespace lateen
