package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
)

// certificate is a certificate in two files that are read again when either has
// changed: those who renew it need not restart the gateway.
type certificate struct{ reread[*tls.Certificate] }

func newCertificate(certFile, keyFile string, logger *slog.Logger) *certificate {
	return &certificate{reread[*tls.Certificate]{flag: "--tls-cert, --tls-key", names: []string{certFile, keyFile}, parse: pair, logger: logger}}
}

// pair reads the two files: the certificate, and its key.
func pair(files []text) (*tls.Certificate, error) {
	cert, key := files[0], files[1]
	pair, err := tls.X509KeyPair([]byte(cert.body), []byte(key.body))
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w", cert.name, key.name, err)
	}
	return &pair, nil
}

// forHello is for tls.Config.GetCertificate.
func (c *certificate) forHello(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.get(), nil }
