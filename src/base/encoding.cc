#include "base/encoding.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace lateen {

namespace {

constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::uint8_t kNone = 0xff;

using Values = std::array<std::uint8_t, 256>;

constexpr Values values_of(std::string_view alphabet) {
  Values values{};
  for (auto& v : values)
    v = kNone;
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}

constexpr Values kStandardValues = values_of(kStandard);
constexpr Values kUrlValues = values_of(kUrl);

std::uint32_t byte_at(BytesView bytes, std::size_t i) {
  return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0;
}

std::string encode64(BytesView bytes, std::string_view alphabet, bool padded) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::uint32_t group =
        (byte_at(bytes, i) << 16U) | (byte_at(bytes, i + 1) << 8U) | byte_at(bytes, i + 2);
    const std::size_t characters = std::min<std::size_t>(bytes.size() - i, 3) + 1;
    for (std::size_t k = 0; k < 4; ++k) {
      if (k < characters) {
        out += alphabet[(group >> (18U - 6U * k)) & 0x3fU];
      } else if (padded) {
        out += '=';
      }
    }
  }
  return out;
}

enum class Padding { Required, Optional };

Result<Bytes> decode64(std::string_view text, const Values& values, Padding padding) {
  Bytes out;
  out.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  std::size_t count = 0;  // characters of the group under way
  std::size_t padded = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n' || c == '\r') continue;
    if (c == '=') {
      ++padded;
      continue;
    }
    const std::uint8_t value = values[static_cast<unsigned char>(c)];
    if (value == kNone || padded > 0) {
      return Error(Code::InvalidArgument, "illegal base64 data at input byte {}", i);
    }
    bits = (bits << 6U) | value;
    if (++count == 4) {
      for (const unsigned shift : {16U, 8U, 0U})
        out += static_cast<char>((bits >> shift) & 0xffU);
      bits = 0;
      count = 0;
    }
  }
  const std::size_t wanted = count == 0 ? 0 : 4 - count;
  const bool well_padded = padded == wanted || (padded == 0 && padding == Padding::Optional);
  // Go takes stray bits in the last character; so do we, since kubectl has already stored such
  // Secrets.
  if (count == 1 || !well_padded) {
    // Go names where the unfinished group began, or the end when padding is missing.
    const std::size_t at = padded == 0 ? text.size() - count : text.size();
    return Error(Code::InvalidArgument, "illegal base64 data at input byte {}", at);
  }
  if (count >= 2) {
    bits <<= 6U * (4 - static_cast<unsigned>(count));
    out += static_cast<char>((bits >> 16U) & 0xffU);
    if (count == 3) out += static_cast<char>((bits >> 8U) & 0xffU);
  }
  return out;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::string encode_percent(std::string_view text, bool keep_slash) {
  constexpr std::string_view kUpper = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c) || (keep_slash && c == '/')) {
      out += c;
    } else {
      const auto b = static_cast<unsigned char>(c);
      out += '%';
      out += kUpper[b >> 4U];
      out += kUpper[b & 0xfU];
    }
  }
  return out;
}

Result<std::string> decode_percent(std::string_view text, bool plus_is_blank) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_blank) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 1 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return Error(Code::InvalidArgument, "invalid URL escape \"{}\"", text.substr(i, 3));
      }
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

}  // namespace

std::string base64_encode(BytesView bytes) {
  return encode64(bytes, kStandard, true);
}

Result<Bytes> base64_decode(std::string_view text) {
  return decode64(text, kStandardValues, Padding::Required);
}

std::string base64url_encode(BytesView bytes) {
  return encode64(bytes, kUrl, false);
}

Result<Bytes> base64url_decode(std::string_view text) {
  return decode64(text, kUrlValues, Padding::Optional);
}

std::string hex_encode(BytesView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto b = static_cast<unsigned char>(c);
    out += kHexDigits[b >> 4U];
    out += kHexDigits[b & 0xfU];
  }
  return out;
}

Result<Bytes> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0) {
    return Error(Code::InvalidArgument, "hex of odd length {}", text.size());
  }
  Bytes out(text.size() / 2, '\0');
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return Error(Code::InvalidArgument, "not a hex digit at byte {}", i);
    out[i / 2] = static_cast<char>(high * 16 + low);
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  return encode_percent(text, false);
}

std::string percent_encode_path(std::string_view text) {
  return encode_percent(text, true);
}

Result<std::string> percent_decode(std::string_view text) {
  return decode_percent(text, false);
}

Result<std::string> query_decode(std::string_view text) {
  return decode_percent(text, true);
}

}  // namespace lateen
