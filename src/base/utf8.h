// UTF-8, one character at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lateen {

struct Utf8Char {
  char32_t value;
  std::size_t length;  // bytes taken; 1 when not valid, as Go does
  bool valid;
};

// The character at the start of `text`, which must not be empty. Overlong forms, surrogates and
// what is beyond U+10FFFF are not valid.
Utf8Char decode_utf8(std::string_view text);

// `c` must be a character (no surrogate, at most U+10FFFF).
void append_utf8(std::string& out, char32_t c);

}  // namespace lateen
