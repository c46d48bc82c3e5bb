// The *.kinds files, embedded: internal to this folder.
#pragma once

#include <span>
#include <string_view>

namespace lateen::sandbox::schema {

// One text for each package of types, those that are referred to first.
std::span<const std::string_view> type_texts();

std::string_view resource_text();
std::string_view description_text();

}  // namespace lateen::sandbox::schema
