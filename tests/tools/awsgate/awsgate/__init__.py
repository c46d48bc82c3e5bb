"""A gate before a server of AWS' APIs that checks what the real ones check: signatures, tokens, policies, checksums,
TLS, keys. Behind it stands moto (which checks none of it) or another S3 server. For tests only."""
