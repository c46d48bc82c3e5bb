#include "net/openssl.h"

#include <array>

#include <openssl/err.h>
#include <openssl/pem.h>

namespace lateen::net {

namespace {

std::vector<std::string> subject_entries(X509* certificate, int nid) {
  std::vector<std::string> values;
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  for (int at = X509_NAME_get_index_by_NID(subject, nid, -1); at >= 0;
       at = X509_NAME_get_index_by_NID(subject, nid, at)) {
    const ASN1_STRING* const value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    unsigned char* text = nullptr;
    const int length = ASN1_STRING_to_UTF8(&text, value);
    if (length < 0) continue;
    values.emplace_back(text, text + length);
    OPENSSL_free(text);
  }
  return values;
}

BioPtr memory_bio(std::string_view bytes) {
  return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// Keys are never asked for at a terminal.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

}  // namespace

std::string take_openssl_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  const char* const reason = ERR_reason_error_string(code);
  if (reason != nullptr) return reason;
  std::array<char, 256> text{};
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

Result<std::vector<CertificatePtr>> parse_certificates(std::string_view pem) {
  const BioPtr bio = memory_bio(pem);
  std::vector<CertificatePtr> certificates;
  while (X509* const one = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)) {
    certificates.emplace_back(one);
  }
  // The queue now says why it ended; "no start line" is the ordinary end.
  const bool ordinary = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string why = take_openssl_error();
  if (certificates.empty() || !ordinary) {
    return Error(Code::InvalidArgument, "not a certificate in PEM: {}", why);
  }
  return certificates;
}

Result<KeyPtr> parse_key(const Secret& pem) {
  const BioPtr bio = memory_bio(pem.reveal());
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key) {
    return Error(Code::InvalidArgument, "not a private key in PEM: {}", take_openssl_error());
  }
  return key;
}

std::string common_name_of(X509* certificate) {
  const auto names = subject_entries(certificate, NID_commonName);
  return names.empty() ? std::string() : names.back();
}

std::vector<std::string> organizations_of(X509* certificate) {
  return subject_entries(certificate, NID_organizationName);
}

}  // namespace lateen::net
