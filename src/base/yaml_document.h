// YAML text as documents of nodes, before it is known what they mean. Inner header of yaml.h.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace lateen {

// One node of a document, as go-yaml keeps it before decoding: what an alias means is only known
// then.
struct YamlNode {
  enum class Kind { Scalar, Mapping, Sequence, Alias };

  Kind kind;
  std::size_t line;
  std::string value;                      // of a scalar; the anchor's name of an alias
  std::string tag;                        // "" when there is none
  bool plain = false;                     // a scalar that may mean something else than text
  std::vector<const YamlNode*> children;  // of a mapping: key, value, key, …
  const YamlNode* target = nullptr;       // of an alias
};

struct YamlDocument {
  std::deque<YamlNode> nodes;  // stable addresses
  const YamlNode* root = nullptr;
};

Error yaml_error(std::size_t line, std::string_view why);

// Events into documents of nodes. Not thread-safe.
class YamlComposer {
 public:
  // `text` outlives the composer.
  explicit YamlComposer(BytesView text);
  YamlComposer(const YamlComposer&) = delete;
  YamlComposer& operator=(const YamlComposer&) = delete;
  ~YamlComposer();

  // The next document; nothing after the last.
  Result<std::optional<YamlDocument>> next();

 private:
  struct Parser;
  class Event;

  Status advance(Event& event);
  Status compose(YamlDocument& document);
  Result<YamlNode*> make_node(const Event& event, YamlDocument& document);

  std::unique_ptr<Parser> parser_;
  std::map<std::string, const YamlNode*, std::less<>> anchors_;
};

}  // namespace lateen
