// A table of exchanges with an API server, as data, and how one is replayed and judged.
//
//   - name: a missing object is named
//     request: GET /api/v1/namespaces/$NS/configmaps/nope
//     status: 404
//     headers: {Content-Type: application/json}
//     body: {kind: Status, reason: NotFound, message: 'configmaps "nope" not found'}
//
// What an exchange may say: `request` (method and target), `send` (a JSON body) or `sendBase64`,
// `type` (of what is sent), `accept`, `with` (further headers), `status`, `headers`, `body` (must
// be in the answer: of objects the members named, of lists all items in order), `lines` (the same
// of a watch), `has` and `lacks` (dotted paths), `text` (the whole body), `contains` (a part of the
// body), `keep` ({NAME: path}: for $NAME later), `until` (true: tried again for a minute until
// it fits). A text that begins with ~ is a glob. $NS is a namespace of the file's own, made before
// it and removed after; exchanges marked `always` are replayed even after a failure.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "kube/kubeconfig.h"
#include "net/http_client.h"

namespace lateen::voyages {

// One answer: what came, as text and as tree.
struct Answer {
  int status = 0;
  net::Headers headers = {};
  std::string text = {};
  Json json = {};                // null when it is no JSON
  std::vector<Json> lines = {};  // of a watch
};

// What differs between an answer and what the exchange says of it; empty when it fits.
std::vector<std::string> differences(const Json& exchange, const Answer& answer);

// One cluster, one file's variables. Not thread-safe.
class Replayer {
 public:
  static Result<std::unique_ptr<Replayer>> open(const kube::ClusterConfig& cluster);

  class Private;
  Replayer(const Private&,
           std::unique_ptr<net::HttpClient> client,
           const kube::ClusterConfig& cluster);

  void set(std::string name, std::string value) { variables_[std::move(name)] = std::move(value); }

  // Sends it and judges the answer.
  Result<std::vector<std::string>> replay(const Json& exchange);

 private:
  std::string filled_in(std::string_view text) const;
  Json filled_in(const Json& value) const;
  Result<Answer> send(const Json& exchange);
  void keep(const Json& exchange, const Answer& answer);

  const std::unique_ptr<net::HttpClient> client_;
  const std::string server_;
  const std::string authorization_;
  std::map<std::string, std::string> variables_;
};

}  // namespace lateen::voyages
