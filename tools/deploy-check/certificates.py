"""Makes a certificate authority, and a server certificate for localhost and 127.0.0.1.

    certificates.py FOLDER    writes authority.pem, server.pem and server.key
"""

import sys
from pathlib import Path

import trustme

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
authority = trustme.CA()
server = authority.issue_cert("localhost", "127.0.0.1")
authority.cert_pem.write_to_path(folder / "authority.pem")
server.cert_chain_pems[0].write_to_path(folder / "server.pem")
key = folder / "server.key"
# PostgreSQL refuses a key that others can read.
key.touch(mode=0o600)
server.private_key_pem.write_to_path(key)
