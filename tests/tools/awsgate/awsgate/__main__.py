"""Starts the gate, and moto behind it unless another server is named. Prints one line of JSON with both addresses,
and ends when its standard input does: a test that dies takes it along.

    python3 -m awsgate [--upstream URL] [--config FILE]
"""

import argparse
import json
import logging
import sys

from .gate import Gate, start


def start_moto():
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


def main():
    parser = argparse.ArgumentParser(prog="awsgate")
    parser.add_argument("--upstream", help="an S3 server; by default moto is started")
    parser.add_argument("--config", help="settings in JSON, as POST /_awsgate/configure takes them")
    arguments = parser.parse_args()
    upstream = arguments.upstream or start_moto()
    gate = Gate(upstream)
    if arguments.config:
        with open(arguments.config, encoding="utf-8") as file:
            gate.state.configure(json.load(file))
    server = start(gate)
    addresses = {"gate": f"http://127.0.0.1:{server.server_address[1]}", "upstream": upstream}
    print(json.dumps(addresses), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
