package e2e_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"
)

// deploy is the folder with what docs/deploy.md is about.
var deploy = filepath.Join("..", "..", "docs", "deploy")

// site is the name that the examples there have.
const site = "porthole.example.org"

// proxied is a gateway behind nginx, as docs/deploy/nginx.conf has it.
type proxied struct {
	t      *testing.T
	gw     *process
	client *http.Client // which knows where the site is
}

// behindNginx starts both, with other paths, ports and times than the file's. If
// client is not "$remote_addr", that is where nginx takes all clients to be.
func behindNginx(t *testing.T, timeout, client string, args ...string) *proxied {
	t.Helper()
	nginx := installed(t, "nginx")
	gw, url := gateway(t, append([]string{"--trust-proxy", "127.0.0.1", "--origin", "https://" + site}, args...)...)
	text, err := os.ReadFile(filepath.Join(deploy, "nginx.conf"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key := certify(t, dir)
	at, clear := unused(t), unused(t)
	conf := strings.NewReplacer(
		"127.0.0.1:8080", strings.TrimPrefix(url, "http://"), "443 ssl", at+" ssl", "listen 80", "listen "+clear,
		"/etc/ssl/porthole.crt", cert, "/etc/ssl/porthole.key", key, "60s", timeout, "$remote_addr", client,
	).Replace(string(text))
	main := filepath.Join(dir, "nginx.conf")
	conf = fmt.Sprintf("daemon off; pid %[1]s/pid; error_log stderr; events {}\nhttp { access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;\n%[2]s\n}\n", dir, conf)
	if err := os.WriteFile(main, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, nginx, "-e", "stderr", "-p", dir, "-c", main, "-g", "master_process off;")
	soonTrue(t, "nginx listens", func() bool {
		c, err := net.Dial("tcp", at)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return &proxied{t, gw, to(at, clear)}
}

// to is a client that knows where the site is.
func to(at, clear string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, map[string]string{site + ":443": at, site + ":80": clear}[addr])
		},
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // it is its own authority
		DisableKeepAlives: true,
	}}
}

// certify makes a certificate for the site.
func certify(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{site}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "crt"), filepath.Join(dir, "key")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// get asks for a page by the name of a host, and goes where it is sent.
func (p *proxied) get(url, host string) *http.Response {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Host = host
	resp, err := p.client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}

// dial opens a WebSocket to the site; with headers beside its own Origin.
func (p *proxied) dial(header http.Header, protocols ...string) (*websocket.Conn, int) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	h := http.Header{"Origin": {"https://" + site}}
	maps.Copy(h, header)
	ws, resp, err := websocket.Dial(ctx, "wss://"+site+"/ws", &websocket.DialOptions{HTTPClient: p.client, HTTPHeader: h, Subprotocols: protocols})
	if resp == nil {
		p.t.Fatal(err)
	}
	if err == nil {
		ws.SetReadLimit(1 << 20)
		p.t.Cleanup(func() { _ = ws.CloseNow() })
	}
	return ws, resp.StatusCode
}

// echoes sends bytes and wants them back.
func (p *proxied) echoes(ws *websocket.Conn, n int) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	c := websocket.NetConn(ctx, ws, websocket.MessageBinary)
	want := strings.Repeat("0123456789", n/10)
	if _, err := io.WriteString(c, want); err != nil {
		p.t.Fatal(err)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		p.t.Errorf("%d bytes do not come back: %v", n, err)
	}
}

// Through nginx the page is served and its WebSocket upgraded, clients are told
// apart by what nginx says of them and by nothing else, and the end is told.
func TestBehindNginx(t *testing.T) {
	p := behindNginx(t, "60s", "$remote_addr", "--target", serve(t, echo))
	resp := p.get("http://"+site+"/", site)
	if at := resp.Request.URL.String(); at != "https://"+site+"/" || resp.StatusCode != http.StatusOK {
		t.Errorf("the page: %s at %s", resp.Status, at)
	}
	for _, name := range []string{"Content-Security-Policy", "Strict-Transport-Security"} {
		if len(resp.Header.Values(name)) != 1 {
			t.Errorf("the page has %q for %s, want one", resp.Header.Values(name), name)
		}
	}
	if resp := p.get("https://"+site+"/", "evil.test"); resp.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("by another name: %s, want 421", resp.Status)
	}
	for _, protocols := range [][]string{nil, {"porthole.v1"}} {
		if ws, status := p.dial(http.Header{"X-Forwarded-For": {"192.0.2.1"}}, protocols...); ws == nil {
			t.Fatalf("an upgrade to %q: %d", protocols, status)
		}
	}
	if log := p.gw.stderr.String(); strings.Contains(log, "192.0.2.1") {
		t.Errorf("the gateway believes a client:\n%s", log)
	}
	ws, _ := p.dial(nil)
	p.echoes(ws, 100_000)
	p.gw.term()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, _, err := ws.Read(ctx); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the end is told as %v, want 1001", err)
	}
	if got := p.gw.wait(); got != 0 {
		t.Errorf("exit status %d", got)
	}
}

// Clients are told apart by what nginx says of them, and a stranger is one however
// near nginx is.
func TestClientsBehindNginx(t *testing.T) {
	p := behindNginx(t, "60s", "192.0.2.7", "--target", serve(t, echo), "--max-client", "2")
	here := []string{"127.0.0.1"} // is what each says of himself
	for what, tt := range map[string]struct {
		header http.Header
		want   int
	}{
		"another site":          {http.Header{"Origin": {"https://evil.test"}}, http.StatusForbidden},
		"the site in the clear": {http.Header{"Origin": {"http://" + site}}, http.StatusForbidden},
		"a program":             {http.Header{"Origin": nil, "X-Forwarded-For": here}, http.StatusForbidden},
	} {
		if _, got := p.dial(tt.header); got != tt.want {
			t.Errorf("%s: %d, want %d", what, got, tt.want)
		}
	}
	for n, want := range []int{http.StatusSwitchingProtocols, http.StatusSwitchingProtocols, http.StatusTooManyRequests} {
		if _, got := p.dial(http.Header{"X-Forwarded-For": here}); got != want {
			t.Errorf("the client's session %d: %d, want %d", n+1, got, want)
		}
	}
	if log := p.gw.stderr.String(); !strings.Contains(log, "peer=192.0.2.7") {
		t.Errorf("the gateway does not say who the client is:\n%s", log)
	}
}

// Pings keep an idle WebSocket from being taken for a dead one.
func TestIdleBehindNginx(t *testing.T) {
	target := serve(t, echo)
	quiet := behindNginx(t, "4s", "$remote_addr", "--target", target, "--ping=-1s")
	pinged := behindNginx(t, "4s", "$remote_addr", "--target", target, "--ping", "100ms")
	kept, _ := pinged.dial(nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	pings := kept.CloseRead(ctx) // answers them
	for range 2 {                // which takes longer than nginx waits
		ws, _ := quiet.dial(nil)
		if _, _, err := ws.Read(ctx); err == nil || ctx.Err() != nil {
			t.Fatalf("without pings nginx does not cut it: %v", err)
		}
	}
	if pings.Err() != nil {
		t.Error("with pings nginx cuts it")
	}
}

// The unit is one for systemd, and leaves the program little.
func TestUnit(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze on this machine: docs/deploy/porthole.service is not tested")
	}
	text, err := os.ReadFile(filepath.Join(deploy, "porthole.service"))
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "porthole.service")
	program := filepath.Join(bin, "gateway")
	conf := strings.ReplaceAll(string(text), "/usr/local/bin/gateway", program)
	conf = strings.ReplaceAll(conf, "Documentation=file:/usr/share/doc/porthole/README.md\n", "")
	if err := os.WriteFile(unit, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", unit).CombinedOutput(); err != nil {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	out, err := exec.Command(analyze, "security", "--offline=true", "--threshold=20", unit).CombinedOutput() // tenths
	if err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
	// What it starts with is what the command takes.
	for line := range strings.Lines(conf) {
		if args, ok := strings.CutPrefix(strings.TrimSpace(line), "ExecStart="+program+" "); ok {
			out, err := exec.Command(program, append(strings.Fields(args), "--help")...).CombinedOutput()
			if err != nil {
				t.Errorf("gateway %s: %v\n%s", args, err, out)
			}
		}
	}
}
