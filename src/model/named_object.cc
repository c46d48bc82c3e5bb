#include "model/named_object.h"

#include <algorithm>

#include "base/text.h"

namespace lateen::model {

Result<NamedObject> NamedObject::parse(std::string_view text) {
  const std::vector<std::string_view> parts = split(text, '/');
  const bool has_empty =
      std::any_of(parts.begin(), parts.end(), [](std::string_view part) { return part.empty(); });
  if (has_empty || parts.size() < 2 || parts.size() > 3) {
    return Error(Code::InvalidArgument, "{} does not name an object", text)
        .with_hint(
            "Write RESOURCE/NAMESPACE/NAME, as in configmaps/shop/settings, or RESOURCE/NAME for "
            "what is of no namespace.");
  }
  NamedObject reference;
  reference.resource = parts.front();
  if (parts.size() == 3) reference.ns = parts[1];
  reference.name = parts.back();
  return reference;
}

bool NamedObject::means(std::string_view group_resource,
                        std::string_view of_ns,
                        std::string_view of_name) const {
  if (of_ns != ns || of_name != name) return false;
  return resource == group_resource || resource == cut(group_resource, ".").before;
}

std::string NamedObject::text() const {
  return ns.empty() ? fmt::format("{}/{}", resource, name)
                    : fmt::format("{}/{}/{}", resource, ns, name);
}

}  // namespace lateen::model
