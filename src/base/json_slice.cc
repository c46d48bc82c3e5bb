#include "base/json_slice.h"

#include <deque>

#include <simdjson.h>

namespace lateen {

namespace {

namespace ondemand = simdjson::ondemand;
using simdjson::error_code;

// Texts up to this size are read with a parser that the thread keeps. A parser has room for about
// six times its largest text: making and giving back that much for every page costs as much as
// reading it.
constexpr std::size_t kKeptText = 1 << 20;

// Bytes with the readable room behind them that simdjson asks for, and what had to be unescaped.
// Views into it stay good for as long as it stays at its address.
struct SliceBuffer {
  explicit SliceBuffer(Bytes text) : body(std::move(text)), size(body.size()) {
    body.append(simdjson::SIMDJSON_PADDING, '\0');
  }

  simdjson::padded_string_view padded() const {
    return simdjson::padded_string_view(body.data(), size, body.size());
  }

  Bytes body;
  std::size_t size;
  std::deque<std::string> unescaped;
};

ondemand::parser& parser_for(const SliceBuffer& buffer, ondemand::parser& own) {
  thread_local ondemand::parser kept;
  return buffer.size <= kKeptText ? kept : own;
}

std::string_view trim_right(std::string_view text) {
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  return text.substr(0, last + 1);
}

// One pass over a document. Not thread-safe.
class Slicer {
 public:
  Slicer(SliceBuffer& buffer, ondemand::document& document)
      : buffer_(buffer), document_(document) {}

  // Reads the members of an object; `raw` is left to the caller.
  error_code identify(ondemand::object object, ObjectSlice& out) {
    for (auto field : object) {
      std::string_view key;
      ondemand::value value;
      if (const auto e = open(field, key, value)) return e;
      if (const auto e = take_type_or_metadata(key, value, out)) return e;
    }
    return simdjson::SUCCESS;
  }

  error_code list(ondemand::object object,
                  ObjectSlice& list,
                  std::vector<ObjectSlice>& items,
                  bool& has_items) {
    for (auto field : object) {
      std::string_view key;
      ondemand::value value;
      if (const auto e = open(field, key, value)) return e;
      if (key == "items") {
        has_items = true;
        if (const auto e = take_items(value, items)) return e;
      } else if (key == "metadata") {
        if (const auto e = take_list_metadata(value, list)) return e;
      } else if (const auto e = take_type_or_metadata(key, value, list)) {
        return e;
      }
    }
    return simdjson::SUCCESS;
  }

  std::string_view continue_token;
  std::optional<std::int64_t> remaining_item_count;

 private:
  static error_code open(simdjson::simdjson_result<ondemand::field> field,
                         std::string_view& key,
                         ondemand::value& value) {
    if (const auto e = field.unescaped_key().get(key)) return e;
    return field.value().get(value);
  }

  error_code take_type_or_metadata(std::string_view key, ondemand::value& value, ObjectSlice& out) {
    if (key == "metadata") return take_metadata(value, out);
    if (key != "apiVersion" && key != "kind") return simdjson::SUCCESS;
    std::string_view& part = key == "kind" ? out.kind : out.api_version;
    if (const auto e = take_text(value, part)) return e;
    if (part.empty()) out.blank_type = true;
    return simdjson::SUCCESS;
  }

  error_code take_items(ondemand::value value, std::vector<ObjectSlice>& items) {
    items.clear();
    if (is_null(value)) return simdjson::SUCCESS;  // how Go writes a list without items
    ondemand::array array;
    if (const auto e = value.get_array().get(array)) return e;
    for (auto element : array) {
      ondemand::value item;
      if (const auto e = element.get(item)) return e;
      const char* const begin = item.raw_json_token().data();
      ondemand::object object;
      if (const auto e = item.get_object().get(object)) return e;
      ObjectSlice slice;
      if (const auto e = identify(object, slice)) return e;
      // Now at the next token: between it and the object are only blanks.
      const char* after = nullptr;
      if (const auto e = document_.current_location().get(after)) return e;
      slice.raw = trim_right({begin, static_cast<std::size_t>(after - begin)});
      items.push_back(slice);
    }
    return simdjson::SUCCESS;
  }

  error_code take_list_metadata(ondemand::value value, ObjectSlice& list) {
    list.resource_version = {};
    continue_token = {};
    remaining_item_count.reset();
    return each_member(value, [&](std::string_view key, ondemand::value member) {
      if (key == "resourceVersion") return take_text(member, list.resource_version);
      if (key == "continue") return take_text(member, continue_token);
      if (key != "remainingItemCount" || is_null(member)) return simdjson::SUCCESS;
      std::int64_t count = 0;
      const auto e = member.get_int64().get(count);
      if (!e) remaining_item_count = count;
      return e;
    });
  }

  error_code take_metadata(ondemand::value value, ObjectSlice& out) {
    // A second "metadata" replaces the first one whole.
    const ObjectSlice before = out;
    out = ObjectSlice{};
    out.api_version = before.api_version;
    out.kind = before.kind;
    out.blank_type = before.blank_type;
    return each_member(value, [&](std::string_view key, ondemand::value member) {
      return take_metadata_member(key, member, out);
    });
  }

  error_code take_metadata_member(std::string_view key, ondemand::value member, ObjectSlice& out) {
    if (key == "name") return take_text(member, out.name);
    if (key == "namespace") return take_text(member, out.ns);
    if (key == "uid") return take_text(member, out.uid);
    if (key == "resourceVersion") return take_text(member, out.resource_version);
    if (key == "generateName") return take_text(member, out.generate_name);
    if (key == "labels") return take_raw_object(member, out.labels);
    if (key == "annotations") return take_raw_object(member, out.annotations);
    if (key == "ownerReferences") {
      out.owner_references = {};
      if (is_null(member)) return simdjson::SUCCESS;
      ondemand::array array;
      if (const auto e = member.get_array().get(array)) return e;
      return take_raw(array, out.owner_references);
    }
    if (key == "deletionTimestamp") out.deleting = !is_null(member);
    return simdjson::SUCCESS;
  }

  template <typename Visit>
  error_code each_member(ondemand::value value, Visit visit) {
    if (is_null(value)) return simdjson::SUCCESS;
    ondemand::object object;
    if (const auto e = value.get_object().get(object)) return e;
    for (auto field : object) {
      std::string_view key;
      ondemand::value member;
      if (const auto e = open(field, key, member)) return e;
      if (const error_code e = visit(key, member)) return e;
    }
    return simdjson::SUCCESS;
  }

  error_code take_raw_object(ondemand::value value, BytesView& out) {
    out = {};
    if (is_null(value)) return simdjson::SUCCESS;
    ondemand::object object;
    if (const auto e = value.get_object().get(object)) return e;
    return take_raw(object, out);
  }

  template <typename Container>
  static error_code take_raw(Container& container, BytesView& out) {
    if (const auto e = container.raw_json().get(out)) return e;
    out = trim_right(out);
    return simdjson::SUCCESS;
  }

  // A view of the text where it stands; only escaped text is copied.
  error_code take_text(ondemand::value value, std::string_view& out) {
    out = {};
    const std::string_view token = trim_right(value.raw_json_token());
    if (is_null(value)) return simdjson::SUCCESS;
    if (!token.starts_with('"') || token.size() < 2) return simdjson::INCORRECT_TYPE;
    if (token.find('\\') == std::string_view::npos) {
      out = token.substr(1, token.size() - 2);
      return simdjson::SUCCESS;
    }
    std::string_view text;
    if (const auto e = value.get_string().get(text)) return e;
    out = buffer_.unescaped.emplace_back(text);
    return simdjson::SUCCESS;
  }

  static bool is_null(ondemand::value& value) {
    bool null = false;
    return value.is_null().get(null) == simdjson::SUCCESS && null;
  }

  SliceBuffer& buffer_;
  ondemand::document& document_;
};

Error broken(std::string_view what,
             const SliceBuffer& buffer,
             ondemand::document& document,
             error_code why) {
  const char* at = nullptr;
  const bool known = document.current_location().get(at) == simdjson::SUCCESS;
  const auto offset = known ? static_cast<std::size_t>(at - buffer.body.data()) : buffer.size;
  return {Code::Corrupt, "the {} of {} bytes breaks at byte {}: {}",
          what,          buffer.size,
          offset,        simdjson::error_message(why)};
}

// Whether nothing but blanks follows what was read.
bool at_end(ondemand::document& document) {
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
}

Error unreadable(std::string_view what, const SliceBuffer& buffer, error_code why) {
  return {Code::Corrupt, "the {} of {} bytes is not JSON: {}", what, buffer.size,
          simdjson::error_message(why)};
}

std::optional<std::string> text_member(BytesView raw, std::string_view key) {
  // Most objects lack most keys; a key with an escape in it is not found by this, but valid ones
  // have none.
  if (raw.find(key) == BytesView::npos) return std::nullopt;
  const auto tree = parse_json(raw);
  if (!tree) return std::nullopt;
  const Json* value = find(*tree, JsonKey{key});
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(as_text(value));
}

Status slice_list(SliceBuffer& buffer,
                  Slicer& slicer,
                  ondemand::document& document,
                  ObjectSlice& list,
                  std::vector<ObjectSlice>& items) {
  ondemand::object object;
  if (const auto e = document.get_object().get(object)) return broken("list", buffer, document, e);
  bool has_items = false;
  if (const auto e = slicer.list(object, list, items, has_items)) {
    return broken("list", buffer, document, e).wrap("item {}", items.size());
  }
  if (!at_end(document)) return broken("list", buffer, document, simdjson::TRAILING_CONTENT);
  if (!has_items)
    return Error(Code::Corrupt, "the answer is a {}, not a list: it has no items",
                 list.kind.empty() ? "document" : list.kind);
  return {};
}

}  // namespace

struct ListPage::Storage : SliceBuffer {
  using SliceBuffer::SliceBuffer;
};

struct OwnedSlice::Storage : SliceBuffer {
  using SliceBuffer::SliceBuffer;
};

ListPage::ListPage() = default;
ListPage::ListPage(ListPage&&) noexcept = default;
ListPage& ListPage::operator=(ListPage&&) noexcept = default;
ListPage::~ListPage() = default;

OwnedSlice::OwnedSlice() = default;
OwnedSlice::OwnedSlice(OwnedSlice&&) noexcept = default;
OwnedSlice& OwnedSlice::operator=(OwnedSlice&&) noexcept = default;
OwnedSlice::~OwnedSlice() = default;

Result<ListPage> ListPage::parse(Bytes body) {
  ListPage page;
  page.storage_ = std::make_unique<Storage>(std::move(body));
  ondemand::parser own;
  ondemand::parser& parser = parser_for(*page.storage_, own);
  ondemand::document document;
  if (const auto e = parser.iterate(page.storage_->padded()).get(document)) {
    return unreadable("list", *page.storage_, e);
  }
  Slicer slicer(*page.storage_, document);
  TRY(slice_list(*page.storage_, slicer, document, page.list_, page.items_));
  page.continue_ = slicer.continue_token;
  page.remaining_item_count_ = slicer.remaining_item_count;
  return page;
}

BytesView ListPage::body() const {
  return {storage_->body.data(), storage_->size};
}

Bytes ListPage::typed(const ObjectSlice& item) const {
  std::string_view item_kind = list_.kind;
  if (item_kind.ends_with("List")) item_kind.remove_suffix(4);
  return with_type(item, list_.api_version, item_kind);
}

Result<OwnedSlice> OwnedSlice::parse(Bytes body) {
  OwnedSlice owned;
  owned.storage_ = std::make_unique<Storage>(std::move(body));
  const SliceBuffer& buffer = *owned.storage_;
  ondemand::parser own;
  ondemand::parser& parser = parser_for(buffer, own);
  ondemand::document document;
  if (const auto e = parser.iterate(buffer.padded()).get(document)) {
    return unreadable("object", buffer, e);
  }
  ondemand::object object;
  if (const auto e = document.get_object().get(object))
    return broken("object", buffer, document, e);
  Slicer slicer(*owned.storage_, document);
  if (const auto e = slicer.identify(object, owned.slice_)) {
    return broken("object", buffer, document, e);
  }
  if (!at_end(document)) return broken("object", buffer, document, simdjson::TRAILING_CONTENT);
  const std::size_t begin = buffer.body.find('{');
  owned.slice_.raw = trim_right(BytesView(buffer.body.data() + begin, buffer.size - begin));
  return owned;
}

std::optional<std::string> ObjectSlice::label(std::string_view key) const {
  return text_member(labels, key);
}

std::optional<std::string> ObjectSlice::annotation(std::string_view key) const {
  return text_member(annotations, key);
}

Result<JsonObject> ObjectSlice::parse_labels() const {
  if (labels.empty()) return JsonObject();
  Json tree = TRY(parse_json(labels).wrap("labels of {} {}", kind, name));
  return std::move(tree.get_object());
}

namespace {

// For objects that say kind: "" or null: what stands later in the object would win over what is put
// in front.
Bytes retyped(const ObjectSlice& item, std::string_view api_version, std::string_view kind) {
  auto tree = item.parse();
  if (!tree) return Bytes(item.raw);
  JsonObject& object = tree->get_object();
  if (item.api_version.empty()) object["apiVersion"] = api_version;
  if (item.kind.empty()) object["kind"] = kind;
  return write_json(*tree);
}

}  // namespace

Bytes with_type(const ObjectSlice& item, std::string_view api_version, std::string_view kind) {
  const bool wants_version = item.api_version.empty() && !api_version.empty();
  const bool wants_kind = item.kind.empty() && !kind.empty();
  if (!wants_version && !wants_kind) return Bytes(item.raw);
  if (item.blank_type) return retyped(item, api_version, kind);
  Bytes out;
  out.reserve(item.raw.size() + api_version.size() + kind.size() + 32);
  out += '{';
  if (wants_version) {
    out += "\"apiVersion\":";
    append_json_string(out, api_version);
  }
  if (wants_kind) {
    out += wants_version ? ",\"kind\":" : "\"kind\":";
    append_json_string(out, kind);
  }
  const BytesView rest = item.raw.substr(item.raw.find_first_not_of(" \t\r\n", 1));
  if (!rest.starts_with('}')) out += ',';
  out += rest;
  return out;
}

}  // namespace lateen
