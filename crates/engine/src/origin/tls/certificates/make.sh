#!/bin/sh
# Makes the certificates of the tests anew: authorities, one key, and what the first signed for it.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc'
for name in authority other-authority; do
    openssl req -x509 $ec -keyout "$work/$name.key" -out $name.pem -subj "/CN=revisit tests, $name" -days 36500
done
openssl req -new $ec -keyout key.pem -out "$work/request" -subj "/CN=revisit tests"
cat >"$work/config" <<END
[ca]
default_ca = tests
[tests]
database = $work/database
new_certs_dir = $work
rand_serial = yes
unique_subject = no
default_md = sha256
policy = policy
[policy]
commonName = supplied
END
touch "$work/database"
sign() { # file, names, until
    printf 'subjectAltName=%s\n' "$2" >"$work/names"
    openssl ca -batch -notext -config "$work/config" -in "$work/request" -out "$1.pem" -cert authority.pem \
        -keyfile "$work/authority.key" -extfile "$work/names" -startdate 20200101000000Z -enddate "$3"
}
sign good DNS:localhost,IP:127.0.0.1 21200101000000Z
sign other-name DNS:shop.example 21200101000000Z
sign out-of-date DNS:localhost 20200102000000Z
