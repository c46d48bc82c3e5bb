#include "repository/kopia/additions.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"
#include "repository/json_reader.h"

namespace lateen::repository::kopia {
namespace {

struct SpecialWord {
  EntryType type;
  std::string_view word;
};

constexpr std::array<SpecialWord, 3> kSpecialWords = {{{EntryType::Fifo, "fifo"},
                                                       {EntryType::CharDevice, "chardev"},
                                                       {EntryType::BlockDevice, "dev"}}};

bool is_plain_text(std::string_view name) {
  const bool is_ascii =
      std::ranges::none_of(name, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  return is_ascii || to_valid_utf8(name) == name;
}

// A field with the comma before it, but for the first.
class AdditionFields {
 public:
  explicit AdditionFields(std::string& out) : out_(out), start_(out.size()) {}

  void number(std::string_view key, std::uint64_t value) {
    begin(key);
    out_ += fmt::format("{}", value);
  }

  void text(std::string_view key, std::string_view value) {
    begin(key);
    append_json_string(out_, value);
  }

  void begin(std::string_view key) {
    out_ += out_.size() == start_ ? "" : ",";
    out_ += fmt::format("\"{}\":", key);
  }

 private:
  std::string& out_;
  const std::size_t start_;
};

// In pairs, since the names of attributes are bytes, too.
void append_xattrs(std::string& out, const std::vector<ExtendedAttribute>& xattrs) {
  char before = '[';
  for (const ExtendedAttribute& one : xattrs) {
    out += fmt::format(R"({}"{}","{}")", before, base64_encode(one.name), base64_encode(one.value));
    before = ',';
  }
  out += ']';
}

std::string additions_of(const Entry& entry) {
  std::string out;
  AdditionFields fields(out);
  if (!is_plain_text(entry.name)) fields.text("name", base64_encode(entry.name));
  if (entry.links > 1 && entry.type != EntryType::Directory) {
    fields.number("links", entry.links);
    fields.number("inode", entry.inode);
    fields.number("device", entry.device);
  }
  if (entry.sparse) fields.number("sparse", 1);
  if (entry.rdevice != 0 && is_special(entry.type)) fields.number("rdev", entry.rdevice);
  if (!entry.xattrs.empty()) {
    fields.begin("xattrs");
    append_xattrs(out, entry.xattrs);
  }
  return out;
}

Result<Bytes> read_bytes(JsonReader& in) {
  std::string text;
  TRY(in.read_string(text));
  return base64_decode(text);
}

Status read_xattrs(JsonReader& in, std::vector<ExtendedAttribute>& xattrs) {
  TRY(in.begin_array());
  while (TRY(in.next_value())) {
    ExtendedAttribute one{.name = TRY(read_bytes(in))};
    if (!TRY(in.next_value())) return Error(Code::Corrupt, "an attribute has no value");
    one.value = TRY(read_bytes(in));
    if (one.name.empty() || one.name.find('\0') != Bytes::npos)
      return Error(Code::Corrupt, "an attribute has no name");
    xattrs.push_back(std::move(one));
  }
  return {};
}

}  // namespace

bool is_special(EntryType type) {
  return type == EntryType::Fifo || type == EntryType::CharDevice || type == EntryType::BlockDevice;
}

std::string_view special_word(EntryType type) {
  for (const SpecialWord& one : kSpecialWords) {
    if (one.type == type) return one.word;
  }
  return "";
}

EntryType special_type(std::string_view word) {
  for (const SpecialWord& one : kSpecialWords) {
    if (one.word == word) return one.type;
  }
  return EntryType::Unknown;
}

void append_additions(std::string& out, const Entry& entry) {
  const std::string fields = additions_of(entry);
  if (!fields.empty()) out += fmt::format(",\"{}\":{{{}}}", kAdditions, fields);
}

Status read_additions(JsonReader& in, Entry& entry) {
  if (in.take_null()) return {};
  std::string key;
  TRY(in.begin_object());
  while (TRY(in.next_key(key))) {
    if (key == "name") {
      entry.name = TRY(read_bytes(in));
    } else if (key == "links") {
      entry.links = TRY(in.read_u64());
    } else if (key == "inode") {
      entry.inode = TRY(in.read_u64());
    } else if (key == "device") {
      entry.device = TRY(in.read_u64());
    } else if (key == "rdev") {
      entry.rdevice = TRY(in.read_u64());
    } else if (key == "sparse") {
      entry.sparse = TRY(in.read_u64()) != 0;
    } else if (key == "xattrs") {
      TRY(read_xattrs(in, entry.xattrs));
    } else {
      TRY(in.skip());
    }
  }
  return {};
}

}  // namespace lateen::repository::kopia
