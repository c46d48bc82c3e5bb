// OpenSSL's handles with owners, and its errors as text. For net/'s own sources.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/result.h"
#include "net/tls.h"

namespace lateen::net {

template <auto free_it>
struct OpensslDelete {
  template <typename T>
  void operator()(T* handle) const {
    free_it(handle);
  }
};

using BioPtr = std::unique_ptr<BIO, OpensslDelete<BIO_free>>;
using BioMethodPtr = std::unique_ptr<BIO_METHOD, OpensslDelete<BIO_meth_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslDelete<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, OpensslDelete<X509_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpensslDelete<X509_EXTENSION_free>>;
using SslContextPtr = std::unique_ptr<SSL_CTX, OpensslDelete<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, OpensslDelete<SSL_free>>;

// The oldest error of this thread's queue, which is emptied; "unknown error" if there is none.
std::string take_openssl_error();

// All certificates of a PEM text; at least one, or InvalidArgument.
Result<std::vector<CertificatePtr>> parse_certificates(std::string_view pem);
Result<KeyPtr> parse_key(const Secret& pem);

// What the subject says: a user's name and groups.
std::string common_name_of(X509* certificate);
std::vector<std::string> organizations_of(X509* certificate);

}  // namespace lateen::net
