#include "net/tls.h"

#include <algorithm>
#include <ctime>

#include <openssl/pem.h>

#include "base/random.h"
#include "net/openssl.h"

namespace lateen::net {

namespace {

constexpr auto kAuthorityValidity = std::chrono::hours(24 * 3650);
constexpr auto kClockDifference = std::chrono::hours(1);

std::time_t to_seconds(TimePoint t) {
  return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
}

Error openssl_failed(std::string_view what) {
  return Error(Code::Internal, "{}: {}", what, take_openssl_error());
}

Result<std::string> bio_text(BIO* bio) {
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio, &data);
  if (length <= 0) return openssl_failed("writing PEM");
  return std::string(data, static_cast<std::size_t>(length));
}

Result<Secret> key_to_pem(EVP_PKEY* key) {
  // Secure memory is wiped when it is freed.
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  if (PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return openssl_failed("writing a key");
  }
  std::string text = TRY(bio_text(bio.get()));
  return Secret(std::move(text));
}

Result<std::string> certificate_to_pem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(bio.get(), certificate) != 1) {
    return openssl_failed("writing a certificate");
  }
  return bio_text(bio.get());
}

Status add_name(X509_NAME* name, int nid, std::string_view value) {
  const auto* const text = reinterpret_cast<const unsigned char*>(value.data());
  const int length = static_cast<int>(value.size());
  if (X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, text, length, -1, 0) != 1) {
    return Error(Code::InvalidArgument, "\"{}\" cannot stand in a certificate: {}", value,
                 take_openssl_error());
  }
  return {};
}

Status add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return openssl_failed("adding to a certificate");
  }
  return {};
}

// Not through the configuration syntax, in which a comma in a name would begin another one.
Status add_alternative_names(X509* certificate, const CertificateRequest& request) {
  if (request.dns_names.empty() && request.ip_addresses.empty()) return {};
  const std::unique_ptr<GENERAL_NAMES, OpensslDelete<GENERAL_NAMES_free>> names(
      sk_GENERAL_NAME_new_null());
  for (const std::string& dns : request.dns_names) {
    ASN1_IA5STRING* const text = ASN1_IA5STRING_new();
    ASN1_STRING_set(text, dns.data(), static_cast<int>(dns.size()));
    GENERAL_NAME* const name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    sk_GENERAL_NAME_push(names.get(), name);
  }
  for (const std::string& ip : request.ip_addresses) {
    ASN1_OCTET_STRING* const address = a2i_IPADDRESS(ip.c_str());
    if (address == nullptr) {
      return Error(Code::InvalidArgument, "\"{}\" is not an IP address", ip);
    }
    GENERAL_NAME* const name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, GEN_IPADD, address);
    sk_GENERAL_NAME_push(names.get(), name);
  }
  if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) !=
      1) {
    return openssl_failed("adding names to a certificate");
  }
  return {};
}

Status set_random_serial(X509* certificate) {
  SystemRng rng;
  // 63 bits: a serial number is positive.
  const std::uint64_t serial = random_u64(rng) >> 1U;
  if (ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial) != 1) {
    return openssl_failed("numbering a certificate");
  }
  return {};
}

struct Validity {
  TimePoint from;
  TimePoint until;
};

Result<CertificatePtr> begin_certificate(EVP_PKEY* key, Validity validity) {
  CertificatePtr certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  TRY(set_random_serial(certificate.get()));
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), to_seconds(validity.from));
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), to_seconds(validity.until));
  if (X509_set_pubkey(certificate.get(), key) != 1) return openssl_failed("making a certificate");
  return certificate;
}

Result<CertificatePair> sign_and_write(X509* certificate, EVP_PKEY* key, EVP_PKEY* signer) {
  if (X509_sign(certificate, signer, EVP_sha256()) == 0) return openssl_failed("signing");
  std::string pem = TRY(certificate_to_pem(certificate));
  Secret key_pem = TRY(key_to_pem(key));
  return CertificatePair{.certificate_pem = std::move(pem), .key_pem = std::move(key_pem)};
}

Result<TimePoint> to_time_point(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    return Error(Code::InvalidArgument, "a certificate's validity is not a time");
  }
  return TimePoint(std::chrono::sys_seconds(std::chrono::seconds(timegm(&parts))));
}

Status add_leaf_extensions(X509* certificate, X509* issuer, const CertificateRequest& request) {
  TRY(add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE"));
  TRY(add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature"));
  std::string usage = request.for_server ? "serverAuth" : "";
  if (request.for_client) usage += usage.empty() ? "clientAuth" : ",clientAuth";
  if (!usage.empty()) TRY(add_extension(certificate, issuer, NID_ext_key_usage, usage));
  TRY(add_extension(certificate, issuer, NID_authority_key_identifier, "keyid"));
  return add_alternative_names(certificate, request);
}

}  // namespace

Result<CertificatePair> make_certificate_authority(std::string_view common_name,
                                                   const Clock& clock) {
  const KeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return openssl_failed("making a key");
  const TimePoint now = clock.now();
  const CertificatePtr certificate = TRY(begin_certificate(
      key.get(), {.from = now - kClockDifference, .until = now + kAuthorityValidity}));
  X509* const ca = certificate.get();
  TRY(add_name(X509_get_subject_name(ca), NID_commonName, common_name));
  X509_set_issuer_name(ca, X509_get_subject_name(ca));
  TRY(add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE"));
  TRY(add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature"));
  TRY(add_extension(ca, ca, NID_subject_key_identifier, "hash"));
  return sign_and_write(ca, key.get(), key.get());
}

Result<CertificatePair> issue_certificate(const CertificatePair& authority,
                                          const CertificateRequest& request,
                                          const Clock& clock) {
  const auto issuers = TRY(parse_certificates(authority.certificate_pem).wrap("the authority"));
  const KeyPtr issuer_key = TRY(parse_key(authority.key_pem).wrap("the authority"));
  X509* const issuer = issuers.front().get();
  const TimePoint issuer_end = TRY(to_time_point(X509_get0_notAfter(issuer)));

  const KeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return openssl_failed("making a key");
  const TimePoint now = clock.now();
  const CertificatePtr certificate = TRY(begin_certificate(
      key.get(), {.from = now - kClockDifference,
                  .until = std::min<TimePoint>(now + request.validity, issuer_end)}));
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  for (const std::string& organization : request.organizations) {
    TRY(add_name(subject, NID_organizationName, organization));
  }
  TRY(add_name(subject, NID_commonName, request.common_name));
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
  TRY(add_leaf_extensions(certificate.get(), issuer, request));
  return sign_and_write(certificate.get(), key.get(), issuer_key.get());
}

Result<CertificateInfo> read_certificate(std::string_view pem) {
  const auto certificates = TRY(parse_certificates(pem));
  X509* const first = certificates.front().get();
  const TimePoint from = TRY(to_time_point(X509_get0_notBefore(first)));
  const TimePoint until = TRY(to_time_point(X509_get0_notAfter(first)));
  return CertificateInfo{.common_name = common_name_of(first),
                         .organizations = organizations_of(first),
                         .not_before = from,
                         .not_after = until};
}

}  // namespace lateen::net
