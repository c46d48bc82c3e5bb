// How a client wants its answer: the Accept header, read as the API server does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lateen::sandbox {

struct MediaRange {
  std::string type;  // "application/json"
  std::string as;    // "Table", "PartialObjectMetadata", "APIGroupDiscoveryList"; usually none
  std::string group;
  std::string version;
};

// In the client's order; an absent or empty header accepts everything.
std::vector<MediaRange> parse_accept(std::string_view header);

enum class AnswerForm { Object, Table, PartialMetadata };

struct AnswerFormat {
  AnswerForm form = AnswerForm::Object;
  std::string meta_version = "v1";  // of Table and PartialObjectMetadata: "v1" or "v1beta1"
  bool yaml = false;
};

// The first range that can be served; `found` false: 406.
struct Negotiated {
  AnswerFormat format = {};
  bool found = false;
};

Negotiated negotiate_object(std::string_view accept);

// "v2" or "v2beta1" when aggregated discovery comes first, "" for the plain documents; `found`
// false: 406.
struct NegotiatedDiscovery {
  std::string version = {};
  bool found = false;
};

NegotiatedDiscovery negotiate_discovery(std::string_view accept);

}  // namespace lateen::sandbox
