#include "base/yaml_document.h"

#include <algorithm>

#include <yaml.h>

#include "base/json.h"

namespace lateen {

namespace {

std::string_view text_of(const yaml_char_t* text) {
  return text == nullptr ? std::string_view()
                         : std::string_view(reinterpret_cast<const char*>(text));
}

}  // namespace

Error yaml_error(std::size_t line, std::string_view why) {
  return {Code::InvalidArgument, "not valid YAML at line {}: {}", line, why};
}

struct YamlComposer::Parser {
  Parser() {
    const int opened = yaml_parser_initialize(&handle);
    LATEEN_ASSERT(opened != 0, "it only fails without memory");
  }

  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  ~Parser() { yaml_parser_delete(&handle); }

  yaml_parser_t handle = {};
};

class YamlComposer::Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  ~Event() { clear(); }

  yaml_event_t* fill() {
    clear();
    filled_ = true;
    return &event_;
  }

  const yaml_event_t* operator->() const { return &event_; }

 private:
  void clear() {
    if (filled_) yaml_event_delete(&event_);
    filled_ = false;
  }

  yaml_event_t event_ = {};
  bool filled_ = false;
};

YamlComposer::YamlComposer(BytesView text) : parser_(std::make_unique<Parser>()) {
  // libyaml aborts on no text at all, which is what an empty view may be.
  const BytesView some = text.empty() ? BytesView("") : text;
  yaml_parser_set_input_string(&parser_->handle,
                               reinterpret_cast<const unsigned char*>(some.data()), some.size());
}

YamlComposer::~YamlComposer() = default;

Result<std::optional<YamlDocument>> YamlComposer::next() {
  Event event;
  while (true) {
    TRY(advance(event));
    if (event->type == YAML_STREAM_END_EVENT) return std::optional<YamlDocument>();
    if (event->type == YAML_DOCUMENT_START_EVENT) break;
  }
  YamlDocument document;
  anchors_.clear();
  TRY(compose(document));
  return std::optional<YamlDocument>(std::move(document));
}

Status YamlComposer::advance(Event& event) {
  const yaml_parser_t& parser = parser_->handle;
  if (yaml_parser_parse(&parser_->handle, event.fill()) != 0) return {};
  const std::size_t line = std::max(parser.problem_mark.line, parser.context_mark.line) + 1;
  return yaml_error(line, parser.problem == nullptr ? "out of memory" : parser.problem);
}

// Reads up to the document's end. Without recursion: how deep it goes is the author's choice.
Status YamlComposer::compose(YamlDocument& document) {
  std::vector<YamlNode*> open;
  Event event;
  while (true) {
    TRY(advance(event));
    if (event->type == YAML_DOCUMENT_END_EVENT) return {};
    if (event->type == YAML_MAPPING_END_EVENT || event->type == YAML_SEQUENCE_END_EVENT) {
      open.pop_back();
      continue;
    }
    YamlNode* const node = TRY(make_node(event, document));
    if (open.empty()) {
      document.root = node;
    } else {
      open.back()->children.push_back(node);
    }
    if (node->kind == YamlNode::Kind::Mapping || node->kind == YamlNode::Kind::Sequence) {
      if (open.size() >= kMaxJsonDepth) return yaml_error(node->line, "nested too deeply");
      open.push_back(node);
    }
  }
}

Result<YamlNode*> YamlComposer::make_node(const Event& event, YamlDocument& document) {
  YamlNode& node = document.nodes.emplace_back(YamlNode{.kind = YamlNode::Kind::Scalar,
                                                        .line = event->start_mark.line + 1,
                                                        .value = {},
                                                        .tag = {},
                                                        .children = {}});
  std::string_view anchor;
  switch (event->type) {
    case YAML_SCALAR_EVENT:
      node.value.assign(reinterpret_cast<const char*>(event->data.scalar.value),
                        event->data.scalar.length);
      node.tag = text_of(event->data.scalar.tag);
      node.plain = event->data.scalar.plain_implicit != 0;
      anchor = text_of(event->data.scalar.anchor);
      break;
    case YAML_MAPPING_START_EVENT:
      node.kind = YamlNode::Kind::Mapping;
      anchor = text_of(event->data.mapping_start.anchor);
      break;
    case YAML_SEQUENCE_START_EVENT:
      node.kind = YamlNode::Kind::Sequence;
      anchor = text_of(event->data.sequence_start.anchor);
      break;
    case YAML_ALIAS_EVENT: {
      node.kind = YamlNode::Kind::Alias;
      node.value = text_of(event->data.alias.anchor);
      const auto at = anchors_.find(node.value);
      if (at == anchors_.end()) {
        return yaml_error(node.line, fmt::format("unknown anchor '{}' referenced", node.value));
      }
      node.target = at->second;
      break;
    }
    default:
      return yaml_error(node.line, "an event that does not belong here");
  }
  if (!anchor.empty()) anchors_[std::string(anchor)] = &node;
  return &node;
}

}  // namespace lateen
