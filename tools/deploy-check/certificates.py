"""Makes an authority and a server certificate for 127.0.0.1 and localhost, valid for a day.

    certificates.py FOLDER    writes authority.pem, server.pem and server.key
"""

import datetime
import ipaddress
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def named(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, issuer, key, signer, extensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hashes.SHA256())


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    new_key = lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    authority_key, server_key = new_key(), new_key()
    authority = named("Holdfast deploy-check")
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    signs = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    made = {
        "authority.pem": certificate(authority, authority, authority_key, authority_key, [
            (x509.BasicConstraints(ca=True, path_length=0), True), (signs, True),
            (x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), False),
        ]),
        "server.pem": certificate(named("localhost"), authority, server_key, authority_key, [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (x509.SubjectAlternativeName(names), False),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), False),
        ]),
    }
    for name, one in made.items():
        (folder / name).write_bytes(one.public_bytes(serialization.Encoding.PEM))
    key = server_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption())
    path = folder / "server.key"
    path.touch(mode=0o600)
    path.write_bytes(key)


if __name__ == "__main__":
    main()
