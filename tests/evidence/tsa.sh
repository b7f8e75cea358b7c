#!/bin/sh
# Makes a throwaway authority for time stamps in a folder: a root, a TSA certificate under it, and what `openssl ts` needs.
# Sourced or run: tsa.sh FOLDER [rsa|ec] [START END]
set -eu
dir=$1
kind=${2:-rsa}
start=${3:-}
end=${4:-}
mkdir -p "$dir"
key() {
    if [ "$kind" = ec ]; then openssl ecparam -name prime256v1 -genkey -noout -out "$1"; else openssl genrsa -out "$1" 2048 2>/dev/null; fi
}
cat > "$dir/openssl.cnf" <<CNF
[ ca ]
default_ca = authority
[ authority ]
database = $dir/index.txt
serial = $dir/serial
new_certs_dir = $dir
default_md = sha256
policy = anything
unique_subject = no
[ anything ]
organizationName = optional
commonName = supplied
[ req ]
distinguished_name = name
prompt = no
[ name ]
O = Example
CN = Example Time Root
[ root ]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[ stamping ]
basicConstraints = CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[ plain ]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
[ tsa ]
default_tsa = service
[ service ]
serial = $dir/tsaserial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
CNF
: > "$dir/index.txt"
echo 01 > "$dir/serial"
echo 01 > "$dir/tsaserial"
key "$dir/root.key"
openssl req -x509 -new -key "$dir/root.key" -sha256 -days 7300 -config "$dir/openssl.cnf" -extensions root -out "$dir/ca.pem"
for use in stamping plain; do
    key "$dir/$use.key"
    openssl req -new -key "$dir/$use.key" -subj "/O=Example/CN=Example $use" -config "$dir/openssl.cnf" -out "$dir/$use.csr"
    if [ -n "$start" ]; then dates="-startdate $start -enddate $end"; else dates="-days 3650"; fi
    # shellcheck disable=SC2086 # two options and their values
    openssl ca -batch -notext -config "$dir/openssl.cnf" -cert "$dir/ca.pem" -keyfile "$dir/root.key" -extensions $use \
        $dates -in "$dir/$use.csr" -out "$dir/$use.pem" 2>/dev/null
done
