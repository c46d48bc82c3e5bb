// Answers as the API server gives them: content types, errors as Status, warnings, indentation for
// people's tools.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "net/http_server.h"
#include "sandbox/api/api_error.h"

namespace lateen::sandbox {

// The answers below are sent at once; a peer that has gone is nobody's error.

// A JSON document; indented for curl and browsers, YAML where that was asked for, gzip when it is
// large.
void answer_json(net::ServerExchange& exchange,
                 int status,
                 Bytes json,
                 bool yaml = false,
                 const std::vector<std::string>& warnings = {});
void answer_error(net::ServerExchange& exchange, const ApiError& error);
void answer_text(net::ServerExchange& exchange, int status, std::string_view text);
// 404 with the page that Go's mux gives, for paths that are nobody's.
void answer_no_page(net::ServerExchange& exchange);

// Whether the client is one that people read the output of (curl, wget, browsers), or asks for
// ?pretty.
bool wants_indentation(const net::ServerRequest& request);

}  // namespace lateen::sandbox
