// Enumerations that live as words in JSON and that a newer peer may have extended.
//
//   if (backup.status.phase == BackupPhase::Completed) …
//   switch (backup.status.phase.value()) { case BackupPhase::New: … case BackupPhase::Unknown: … }
//   backup.status.phase = BackupPhase::InProgress;
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace lateen::model {

template <typename E>
struct EnumWord {
  E value;
  std::string_view word;
};

// Specialised beside each enumeration: `static constexpr EnumWord<E> kWords[]`. By convention an
// enumeration has Unset (the empty word) first and Unknown (no word) last.
template <typename E>
struct EnumWords;

template <typename E>
concept Worded = requires { EnumWords<E>::kWords; };

// The word; "" for Unset and Unknown.
template <Worded E>
constexpr std::string_view to_string(E value) {
  for (const EnumWord<E>& known : EnumWords<E>::kWords) {
    if (known.value == value) return known.word;
  }
  return {};
}

// Exact, as Kubernetes compares; E::Unknown when there is no such word.
template <Worded E>
constexpr E parse_enum(std::string_view word) {
  for (const EnumWord<E>& known : EnumWords<E>::kWords) {
    if (known.word == word) return known.value;
  }
  return E::Unknown;
}

// A value of E, or a word that this version does not know: it survives being read and written
// again.
template <Worded E>
class OpenEnum {
 public:
  OpenEnum() = default;

  OpenEnum(E value)
      : value_(value) {}  // NOLINT(google-explicit-constructor): an enumerator is assigned as is

  static OpenEnum parse(std::string_view word) {
    OpenEnum parsed(parse_enum<E>(word));
    if (parsed.value_ == E::Unknown) parsed.word_ = word;
    return parsed;
  }

  // E::Unknown for a word of a newer peer.
  E value() const { return value_; }

  std::string_view text() const {
    return value_ == E::Unknown ? std::string_view(word_) : to_string(value_);
  }

  bool empty() const { return text().empty(); }

  bool operator==(const OpenEnum&) const = default;

  bool operator==(E value) const { return value_ == value; }

 private:
  E value_ = E::Unset;
  std::string word_;
};

template <Worded E>
std::string_view to_string(const OpenEnum<E>& value) {
  return value.text();
}

}  // namespace lateen::model
