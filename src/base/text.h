// Small things done to texts. All are pure, and bytes unless they say UTF-8.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lateen {

// "a,,b" by ',' is {"a", "", "b"}; "" is {""}. The parts view `text`.
std::vector<std::string_view> split(std::string_view text, char separator);

// The same without empty parts and without blanks around the others.
std::vector<std::string> split_trimmed(std::string_view text, char separator);

// What stands before and after the first (or last) separator; second is empty and `found` false if
// there is none.
struct Cut {
  std::string_view before;
  std::string_view after;
  bool found;
};

Cut cut(std::string_view text, std::string_view separator);
Cut cut_last(std::string_view text, std::string_view separator);

std::string join(std::span<const std::string> parts, std::string_view separator);
std::string join(std::span<const std::string_view> parts, std::string_view separator);

// Without the ASCII blanks (space, \t, \n, \v, \f, \r) around it.
std::string_view trim(std::string_view text);

// ASCII letters only: names in Kubernetes, header names.
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
bool equals_ignoring_case(std::string_view a, std::string_view b);

std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

// A whole decimal number, an optional sign and nothing else.
Result<std::int64_t> parse_int(std::string_view text);

// Go's strconv.ParseBool: 1 t T TRUE true True, 0 f F FALSE false False.
Result<bool> parse_bool(std::string_view text);

// Whether `pattern` holds any of the characters that glob_match treats specially.
bool is_glob(std::string_view pattern);

// Velero's globs (gobwas/glob without separators): * and ** any text, ? one character, [abc] [a-z]
// [!a] one of, {a,b*} one of several, \x that character. A malformed pattern matches only itself.
// Takes time in the product of both lengths at worst, without {}.
bool glob_match(std::string_view pattern, std::string_view text);

// Go's strconv.Quote, what %q prints: "a\tb", "caf\u00e9" stays as it is, what can't be printed is
// escaped.
std::string quote_go(std::string_view text);

// Each byte that is not part of valid UTF-8 becomes U+FFFD, as Go's encoding/json writes it.
std::string to_valid_utf8(std::string_view text);
bool is_valid_utf8(std::string_view text);

}  // namespace lateen
