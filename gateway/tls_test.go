package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"porthole/web"
)

// issue writes a certificate for this machine, and its key, in the place of what
// is there.
func issue(t *testing.T, dir string, serial int64) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	put(t, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), serial)
	put(t, certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), serial)
	return certFile, keyFile
}

// put writes a file as of another second than any before.
func put(t *testing.T, name string, body []byte, second int64) {
	t.Helper()
	if err := os.WriteFile(name, body, 0o600); err != nil {
		t.Fatal(err)
	}
	when := time.Unix(1e9+second, 0)
	if err := os.Chtimes(name, when, when); err != nil {
		t.Fatal(err)
	}
}

// Over TLS the page is served as without it, browsers are told to come back so,
// and a certificate that is renewed is used from then on.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := issue(t, dir, 1)
	var stderr bytes.Buffer
	url, end := begin(t, &stderr, "--target", "127.0.0.1:9", "--tls-cert", certFile, "--tls-key", keyFile)
	if !strings.HasPrefix(url, "https://") {
		t.Errorf("says to open %s, want https", url)
	}
	visit := func() (*http.Response, int64) {
		t.Helper()
		client := &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		}}
		resp, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp, resp.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	resp, serial := visit()
	if got := resp.Header.Get("Strict-Transport-Security"); resp.StatusCode != 200 || serial != 1 || got != "max-age=31536000" {
		t.Errorf("%s by certificate %d, Strict-Transport-Security %q, want 200, 1, max-age=31536000", resp.Status, serial, got)
	}
	put(t, certFile, []byte("half a file"), 2)
	if _, serial := visit(); serial != 1 {
		t.Errorf("certificate %d after a broken one, want 1", serial)
	}
	issue(t, dir, 3)
	if _, serial := visit(); serial != 3 {
		t.Errorf("certificate %d after a new one, want 3", serial)
	}
	end()
	if got := strings.Count(stderr.String(), "cannot be used"); got != 1 {
		t.Errorf("told %d times that the certificate cannot be used, want once:\n%s", got, &stderr)
	}
}

// A gateway that others can reach does not start in the clear unless someone
// says that a proxy is in front of it, nor with half of a certificate.
func TestRefusesToStart(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := issue(t, dir, 1)
	tokens := filepath.Join(dir, "tokens")
	put(t, tokens, []byte("vm1: 10.0.0.7:5900\nvm2 10.0.0.8:5900\n"), 1)
	for name, tt := range map[string]struct {
		args []string
		want []string // in the error
	}{
		"in the clear":         {[]string{"--listen", "0.0.0.0:0"}, []string{"0.0.0.0:0", "--tls-cert", "--trust-proxy"}},
		"a key alone":          {[]string{"--tls-key", keyFile}, []string{"--tls-cert", "--tls-key"}},
		"a certificate alone":  {[]string{"--tls-cert", certFile}, []string{"--tls-cert", "--tls-key"}},
		"no such file":         {[]string{"--tls-cert", certFile, "--tls-key", filepath.Join(dir, "none")}, []string{"none"}},
		"the wrong way around": {[]string{"--tls-cert", keyFile, "--tls-key", certFile}, []string{keyFile}},
		"no proxy":             {[]string{"--trust-proxy", "nginx"}, []string{"nginx", "10.0.0.0/8"}},
		"no history":           {[]string{"--history", "0"}, []string{"--history", "--no-events"}},
		"no dialect for it":    {[]string{"--token-file", tokens}, []string{"--token-file", "--dialect websockify"}},
		"no such tokens":       {[]string{"--dialect", "websockify", "--token-file", filepath.Join(dir, "none")}, []string{"--token-file", "none"}},
		"half a token":         {[]string{"--dialect", "websockify", "--token-file", tokens}, []string{"--token-file", tokens, "line 2"}},
		"no such dialect":      {[]string{"--dialect", "websockiffy"}, []string{"websockiffy", "websockify"}},
		"a path taken":         {[]string{"--dialect", "websockify", "--dialect", "websockify"}, []string{"/websockify", "taken"}},
		"no path":              {[]string{"--dialect", "websockify=vnc"}, []string{"websockify=vnc", "/"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"--listen", "127.0.0.1:0", "--target", "127.0.0.1:9"}, tt.args...)
			ctx, stop := context.WithCancel(t.Context())
			stop() // should it start, it ends
			page := func(context.Context) (*web.Handler, error) { return compiled() }
			err := runWith(ctx, page, args, io.Discard, io.Discard)
			if err == nil {
				t.Fatal("it starts")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("says %q, want %q in it", err, want)
				}
			}
		})
	}
}
