// Which characters Go prints as they are and which it escapes.
#pragma once

namespace lateen {

// Go's strconv.IsPrint: letters, marks, numbers, punctuation, symbols, and the ASCII blank.
bool is_printable(char32_t c);

}  // namespace lateen
