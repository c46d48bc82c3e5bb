// The XML that AWS answers in: elements with text or children. Attributes and namespaces are passed
// over; a document type, and with it every entity of its own, is refused.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace lateen::net::aws {

// Not thread-safe.
struct XmlElement {
  std::string name = {};  // without its prefix
  std::string text = {};  // its own, entities resolved, as it stands
  std::vector<XmlElement> children = {};

  // The first child of that name; null if there is none.
  const XmlElement* find(std::string_view child) const;
  std::vector<const XmlElement*> all(std::string_view child) const;

  // The text below a path of names ("Error/Code"); "" if there is none.
  std::string_view text_of(std::string_view path) const;
};

// The root element. Corrupt if it is not well-formed, and where.
Result<XmlElement> parse_xml(BytesView document);

// For text between tags.
std::string escape_xml(std::string_view text);

}  // namespace lateen::net::aws
