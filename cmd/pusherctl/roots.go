package main

// Where the system has no root certificates, as in the container image, those of Mozilla
// are used.
import _ "golang.org/x/crypto/x509roots/fallback"
