// Whether bytes hold a text: asked of every object of a backup, so by the C library's memmem, which
// is several times as fast as std::string_view::find.
#pragma once

#include <cstring>
#include <string_view>

namespace lateen::assurance {

inline bool has_text(std::string_view bytes, std::string_view text) {
  return memmem(bytes.data(), bytes.size(), text.data(), text.size()) != nullptr;
}

}  // namespace lateen::assurance
