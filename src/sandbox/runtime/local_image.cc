#include "sandbox/runtime/local_image.h"

#include <algorithm>

#include "base/text.h"

namespace lateen::sandbox {

const LocalImage* find_local_image(const std::vector<LocalImage>& images,
                                   std::string_view reference) {
  std::string_view name = cut(reference, "@").before;
  // Past the last slash a colon is before a tag; before it, before a port.
  if (const std::size_t slash = name.rfind('/'); slash != std::string_view::npos)
    name.remove_prefix(slash + 1);
  name = cut(name, ":").before;
  const auto at = std::find_if(images.begin(), images.end(),
                               [name](const LocalImage& image) { return image.name == name; });
  return at == images.end() ? nullptr : &*at;
}

}  // namespace lateen::sandbox
