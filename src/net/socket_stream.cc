#include "net/socket_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include "net/socket_wait.h"

namespace lateen::net {

namespace {

int fd_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

// OpenSSL's own socket BIO writes with write(2), and a peer that is gone would kill us with
// SIGPIPE.
int bio_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t sent = ::send(fd_of(bio), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && would_block()) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t got = ::recv(fd_of(bio), into, static_cast<std::size_t>(size), 0);
  if (got < 0 && would_block()) BIO_set_retry_read(bio);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(got);
}

long bio_control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    default:
      return 0;
  }
}

int bio_create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

// A certificate that we cannot verify does not end the handshake: the request then comes without an
// identity, and its answer can say why.
int accept_any(int, X509_STORE_CTX*) {
  return 1;
}

// "http/1.1" if the client offers it; else no protocol is agreed on, which means the same.
int choose_protocol(SSL*,
                    const unsigned char** out,
                    unsigned char* out_length,
                    const unsigned char* offered,
                    unsigned int offered_length,
                    void*) {
  static constexpr std::array<unsigned char, 9> kHttp11 = {8,   'h', 't', 't', 'p',
                                                           '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  const int outcome = SSL_select_next_proto(&chosen, out_length, kHttp11.data(), kHttp11.size(),
                                            offered, offered_length);
  *out = chosen;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

Status use_certificate(SSL_CTX* context, const ServerTls& tls) {
  auto chain = TRY(parse_certificates(tls.certificate_pem).wrap("the server's certificate"));
  const KeyPtr key = TRY(parse_key(tls.key_pem).wrap("the server's key"));
  bool used = SSL_CTX_use_certificate(context, chain.front().get()) == 1;
  for (std::size_t i = 1; used && i < chain.size(); ++i) {
    used = SSL_CTX_add1_chain_cert(context, chain[i].get()) == 1;
  }
  if (!used || SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return Error(Code::InvalidArgument, "the server's certificate and key are of no use: {}",
                 take_openssl_error());
  }
  return {};
}

Status ask_for_certificates(SSL_CTX* context, const std::string& client_ca_pem) {
  if (client_ca_pem.empty()) return {};
  const auto authorities = TRY(parse_certificates(client_ca_pem).wrap("the clients' authority"));
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (const CertificatePtr& authority : authorities) {
    X509_STORE_add_cert(store, authority.get());
    SSL_CTX_add_client_CA(context, authority.get());
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept_any);
  SSL_CTX_set_purpose(context, X509_PURPOSE_SSL_CLIENT);
  return {};
}

}  // namespace

Result<std::unique_ptr<ServerTlsContext>> ServerTlsContext::create(const ServerTls& tls) {
  auto made = std::make_unique<ServerTlsContext>();
  made->context_.reset(SSL_CTX_new(TLS_server_method()));
  made->socket_method_.reset(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket"));
  SSL_CTX* const context = made->context_.get();
  BIO_METHOD* const method = made->socket_method_.get();
  if (context == nullptr || method == nullptr) {
    return Error(Code::Internal, "TLS does not start: {}", take_openssl_error());
  }
  BIO_meth_set_write(method, bio_write);
  BIO_meth_set_read(method, bio_read);
  BIO_meth_set_ctrl(method, bio_control);
  BIO_meth_set_create(method, bio_create);

  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // HTTP says itself where a message ends, so a missing close_notify hides nothing.
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  static constexpr std::array<unsigned char, 6> kSessions = {'l', 'a', 't', 'e', 'e', 'n'};
  SSL_CTX_set_session_id_context(context, kSessions.data(), kSessions.size());
  TRY(use_certificate(context, tls));
  TRY(ask_for_certificates(context, tls.client_ca_pem));
  return made;
}

Result<SslPtr> ServerTlsContext::attach(int fd) const {
  SslPtr ssl(SSL_new(context_.get()));
  BIO* const bio = BIO_new(socket_method_.get());
  if (!ssl || bio == nullptr) {
    BIO_free(bio);
    return Error(Code::Internal, "TLS does not start: {}", take_openssl_error());
  }
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));  // NOLINT: a number
  SSL_set_bio(ssl.get(), bio, bio);
  SSL_set_accept_state(ssl.get());
  return ssl;
}

SocketStream::SocketStream(UniqueFd fd, SslPtr ssl)
    : fd_(std::move(fd)), secure_(ssl != nullptr), ssl_(std::move(ssl)) {}

Result<SocketStream::Step> SocketStream::ssl_step(int returned, std::string_view what) {
  if (returned > 0) return Step{.count = static_cast<std::size_t>(returned)};
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      return Step{.wait_for = POLLIN};
    case SSL_ERROR_WANT_WRITE:
      return Step{.wait_for = POLLOUT};
    case SSL_ERROR_ZERO_RETURN:
      return Step{.at_end = true};
    case SSL_ERROR_SYSCALL: {
      const int number = errno;
      ERR_clear_error();
      return Error(
          Code::Unavailable, "{}: {}", what,
          number == 0 ? "the peer has gone" : std::strerror(number));  // NOLINT: glibc's is safe
    }
    default:
      return Error(Code::Unavailable, "{}: TLS: {}", what, take_openssl_error());
  }
}

Result<SocketStream::Step> SocketStream::read_step(std::span<char> into) {
  if (ssl_) {
    const Lock lock(mu_);
    ERR_clear_error();
    return ssl_step(SSL_read(ssl_.get(), into.data(), static_cast<int>(into.size())), "reading");
  }
  const ssize_t got = ::recv(fd_.get(), into.data(), into.size(), 0);
  if (got > 0) return Step{.count = static_cast<std::size_t>(got)};
  if (got == 0) return Step{.at_end = true};
  if (would_block()) return Step{.wait_for = POLLIN};
  return errno_error(errno, "reading from the peer").with_code(Code::Unavailable);
}

Result<SocketStream::Step> SocketStream::write_step(BytesView bytes) {
  if (ssl_) {
    const Lock lock(mu_);
    ERR_clear_error();
    constexpr std::size_t kAtMost = 1_GiB;  // it takes an int
    const auto size = static_cast<int>(std::min(bytes.size(), kAtMost));
    return ssl_step(SSL_write(ssl_.get(), bytes.data(), size), "writing");
  }
  const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) return Step{.count = static_cast<std::size_t>(sent)};
  if (would_block()) return Step{.wait_for = POLLOUT};
  return errno_error(errno, "writing to the peer").with_code(Code::Unavailable);
}

Status SocketStream::handshake(Deadline deadline, std::stop_token stop) {
  if (!ssl_) return {};
  for (;;) {
    Step step;
    {
      const Lock lock(mu_);
      ERR_clear_error();
      step = TRY(ssl_step(SSL_do_handshake(ssl_.get()), "TLS handshake"));
    }
    if (step.at_end) return Error(Code::Unavailable, "TLS handshake: the peer has gone");
    if (step.wait_for == 0) return {};
    TRY(wait_for_socket(fd_.get(), step.wait_for, deadline, stop));
  }
}

Result<std::size_t> SocketStream::read_some(std::span<char> into,
                                            Deadline deadline,
                                            std::stop_token stop) {
  for (;;) {
    const Step step = TRY(read_step(into));
    if (step.wait_for == 0) return step.count;
    TRY(wait_for_socket(fd_.get(), step.wait_for, deadline, stop));
  }
}

Status SocketStream::write(BytesView bytes, Deadline deadline, std::stop_token stop) {
  while (!bytes.empty()) {
    const Step step = TRY(write_step(bytes));
    if (step.at_end) return Error(Code::Unavailable, "writing: the peer has gone");
    bytes.remove_prefix(step.count);
    if (step.wait_for != 0) TRY(wait_for_socket(fd_.get(), step.wait_for, deadline, stop));
  }
  return {};
}

void SocketStream::shutdown() {
  ::shutdown(fd_.get(), SHUT_RDWR);
}

void SocketStream::reset_at_end() {
  // Closing a socket that lingers for no time drops what it has not sent, and resets.
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  resets_ = ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0;
}

void SocketStream::end_writing() {
  if (resets_) return;
  if (ssl_) {
    const Lock lock(mu_);
    // After a failed call OpenSSL allows no other one but freeing; a second failure is of no
    // interest.
    if (SSL_is_init_finished(ssl_.get()) == 1) SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  ::shutdown(fd_.get(), SHUT_WR);
}

std::optional<ClientIdentity> SocketStream::identity() {
  if (!ssl_) return std::nullopt;
  const Lock lock(mu_);
  X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr || SSL_get_verify_result(ssl_.get()) != X509_V_OK) return std::nullopt;
  return ClientIdentity{.common_name = common_name_of(certificate),
                        .organizations = organizations_of(certificate)};
}

std::string SocketStream::certificate_error() {
  if (!ssl_) return "";
  const Lock lock(mu_);
  const long verdict = SSL_get_verify_result(ssl_.get());
  const bool shown = SSL_get0_peer_certificate(ssl_.get()) != nullptr;
  return shown && verdict != X509_V_OK ? X509_verify_cert_error_string(verdict) : "";
}

}  // namespace lateen::net
