// Images that stand for a program of this machine: no image is pulled here, but a pod that wants
// one of these runs that program, where the image has it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace lateen::sandbox {

// Plain value.
struct LocalImage {
  std::string name;  // the last part of its repository: "lateen" for any.host/x/lateen:v1
  FilePath program;  // absolute, on this machine
  std::vector<std::string> paths;  // where containers see it, absolute; the first is the entrypoint
  std::vector<std::string> env;    // NAME=value of its containers; $(POD_IP) is the pod's address
};

// The one that an image reference (with a tag, a digest, or neither) means; null when there is
// none.
const LocalImage* find_local_image(const std::vector<LocalImage>& images,
                                   std::string_view reference);

}  // namespace lateen::sandbox
