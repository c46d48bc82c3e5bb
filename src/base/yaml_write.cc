// The writer half of yaml.h: libyaml's emitter, told what go-yaml v2 tells its port of it.
#include <algorithm>
#include <map>

#include <yaml.h>

#include "base/utf8.h"
#include "base/yaml.h"
#include "base/yaml_scalar.h"

namespace lateen {

namespace {

std::u32string code_points(std::string_view text) {
  std::u32string out;
  while (!text.empty()) {
    const Utf8Char character = decode_utf8(text);
    out += character.value;
    text.remove_prefix(character.length);
  }
  return out;
}

// YAML has no other text; Go replaces the same on its way through JSON.
std::string to_valid_utf8(std::string_view text) {
  std::string out;
  for (const char32_t c : code_points(text))
    append_utf8(out, c);
  return out;
}

// Line ends of YAML 1.1 that are none elsewhere. Unescaped they would not come back as they were;
// go-yaml writes them all the same.
bool has_odd_break(std::string_view text) {
  for (const std::string_view odd : {"\u0085", "\u2028", "\u2029"}) {
    if (text.find(odd) != std::string_view::npos) return true;
  }
  return false;
}

bool is_digit(char32_t c) {
  return c >= U'0' && c <= U'9';
}

// Go asks unicode.IsLetter. Beyond ASCII this takes all for letters but the blocks of punctuation
// and symbols: it only decides the order in which such keys are printed.
bool is_letter(char32_t c) {
  if (c < 0x80) return (c | 0x20) >= U'a' && (c | 0x20) <= U'z';
  if (c < 0xc0) return c == 0xaa || c == 0xb5 || c == 0xba;
  if (c == 0xd7 || c == 0xf7) return false;
  return !(c >= 0x2000 && c < 0x2c00) && !(c >= 0x3000 && c < 0x3005) &&
         !(c >= 0x1f000 && c < 0x20000);
}

struct DigitRun {
  std::size_t end;
  std::uint64_t value;
};

DigitRun read_digits(const std::u32string& text, std::size_t from, std::uint64_t start) {
  DigitRun run{from, start};
  while (run.end < text.size() && is_digit(text[run.end])) {
    run.value = run.value * 10 + (text[run.end++] - U'0');
  }
  return run;
}

// go-yaml's natural order: a2 before a10, punctuation before digits before letters.
bool natural_less(const std::u32string& a, const std::u32string& b) {
  const auto [at_a, at_b] = std::ranges::mismatch(a, b);
  if (at_a == a.end() || at_b == b.end()) return a.size() < b.size();
  const auto i = static_cast<std::size_t>(at_a - a.begin());
  const bool letter_a = is_letter(*at_a);
  const bool letter_b = is_letter(*at_b);
  if (letter_a && letter_b) return *at_a < *at_b;
  if (letter_a || letter_b) return letter_b;
  // A zero inside a number counts; one that leads does not.
  std::uint64_t start = 0;
  if (*at_a == U'0' || *at_b == U'0') {
    for (std::size_t j = i; j > 0 && is_digit(a[j - 1]); --j) {
      if (a[j - 1] != U'0') start = 1;
    }
  }
  const DigitRun run_a = read_digits(a, i, start);
  const DigitRun run_b = read_digits(b, i, start);
  if (run_a.value != run_b.value) return run_a.value < run_b.value;
  if (run_a.end != run_b.end) return run_a.end < run_b.end;
  return *at_a < *at_b;
}

// Not thread-safe.
class Emitter {
 public:
  Emitter() {
    const int opened = yaml_emitter_initialize(&emitter_);
    LATEEN_ASSERT(opened != 0, "it only fails without memory");
    yaml_emitter_set_output(&emitter_, &append, &out_);
    // Long text is folded at 80 columns: sigs.k8s.io/yaml leaves go-yaml's default as it is.
    yaml_emitter_set_width(&emitter_, 80);
    yaml_emitter_set_unicode(&emitter_, 1);
  }

  Emitter(const Emitter&) = delete;
  Emitter& operator=(const Emitter&) = delete;

  ~Emitter() { yaml_emitter_delete(&emitter_); }

  std::string document(const Json& value) {
    yaml_event_t event;
    yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
    emit(event);
    yaml_document_start_event_initialize(&event, nullptr, nullptr, nullptr, 1);
    emit(event);
    write(value);
    yaml_document_end_event_initialize(&event, 1);
    emit(event);
    // libyaml marks the end after an open scalar, go-yaml never does.
    emitter_.open_ended = 0;
    yaml_stream_end_event_initialize(&event);
    emit(event);
    return std::move(out_);
  }

 private:
  static int append(void* out, unsigned char* bytes, std::size_t size) {
    static_cast<std::string*>(out)->append(reinterpret_cast<const char*>(bytes), size);
    return 1;
  }

  void emit(yaml_event_t& event) {
    const int emitted = yaml_emitter_emit(&emitter_, &event);
    LATEEN_ASSERT(emitted != 0, "the events are in order and the text is UTF-8");
  }

  void write(const Json& value) {
    switch (value.kind()) {
      case boost::json::kind::null:
        scalar("null", YAML_PLAIN_SCALAR_STYLE);
        return;
      case boost::json::kind::bool_:
        scalar(value.get_bool() ? "true" : "false", YAML_PLAIN_SCALAR_STYLE);
        return;
      case boost::json::kind::int64:
        scalar(std::to_string(value.get_int64()), YAML_PLAIN_SCALAR_STYLE);
        return;
      case boost::json::kind::uint64:
        scalar(std::to_string(value.get_uint64()), YAML_PLAIN_SCALAR_STYLE);
        return;
      case boost::json::kind::double_:
        number(value);
        return;
      case boost::json::kind::string:
        text(as_text(&value));
        return;
      case boost::json::kind::array:
        sequence(value.get_array());
        return;
      case boost::json::kind::object:
        mapping(value.get_object());
        return;
    }
  }

  // Go gets here by way of JSON, where 3.0 is 3.
  void number(const Json& value) {
    const YamlScalar read = resolve_yaml_scalar(write_json(value));
    if (read.kind == YamlKind::Int) {
      write(read.value);
    } else {
      scalar(format_yaml_double(value.get_double()), YAML_PLAIN_SCALAR_STYLE);
    }
  }

  void text(std::string_view value) {
    std::string valid = to_valid_utf8(value);
    const YamlKind read = resolve_yaml_scalar(valid).kind;
    const bool plain = read == YamlKind::Text && !is_base60_number(valid);
    if (has_odd_break(valid)) {
      scalar(valid, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
    } else if (valid.find('\n') != std::string::npos) {
      scalar(valid, YAML_LITERAL_SCALAR_STYLE);
    } else {
      scalar(valid, plain ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
    }
  }

  void sequence(const JsonArray& array) {
    yaml_event_t event;
    yaml_sequence_start_event_initialize(&event, nullptr, nullptr, 1, YAML_BLOCK_SEQUENCE_STYLE);
    emit(event);
    for (const Json& element : array)
      write(element);
    yaml_sequence_end_event_initialize(&event);
    emit(event);
  }

  void mapping(const JsonObject& object) {
    // A tree, not a sort: go-yaml's order has circles (a2, a100, a1b2), which std::sort does not
    // survive.
    std::multimap<std::u32string, const JsonObject::value_type*, decltype(&natural_less)> members(
        &natural_less);
    for (const auto& member : object)
      members.emplace(code_points(member.key()), &member);
    yaml_event_t event;
    yaml_mapping_start_event_initialize(&event, nullptr, nullptr, 1, YAML_BLOCK_MAPPING_STYLE);
    emit(event);
    for (const auto& [key, member] : members) {
      if (member->key() == "<<") {  // plain it would be a merge; go-yaml forgets that
        scalar("<<", YAML_DOUBLE_QUOTED_SCALAR_STYLE);
      } else {
        text(member->key());
      }
      write(member->value());
    }
    yaml_mapping_end_event_initialize(&event);
    emit(event);
  }

  void scalar(std::string_view value, yaml_scalar_style_t style) {
    yaml_event_t event;
    yaml_scalar_event_initialize(&event, nullptr, nullptr,
                                 reinterpret_cast<const yaml_char_t*>(value.data()),
                                 static_cast<int>(value.size()), 1, 1, style);
    emit(event);
  }

  yaml_emitter_t emitter_ = {};
  std::string out_;
};

}  // namespace

std::string write_yaml(const Json& value) {
  return Emitter().document(value);
}

}  // namespace lateen
