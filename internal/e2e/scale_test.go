package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"
)

// Docker's Compose takes the file, and what is started there takes its options.
func TestCompose(t *testing.T) {
	compose := installed(t, "docker-compose")
	cmd := exec.Command(compose, "-f", filepath.Join(deploy, "compose.yaml"), "config")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("docker-compose config: %v\n%s", err, &stderr)
	}
	takes(t, map[string]int{"gateway": 1, "tcpserver": 1, "nats-server": 3}, programs(t, "-", bytes.NewReader(out)))
}

// The types of Kubernetes take the manifests, and what they refer to is there.
func TestKubernetes(t *testing.T) {
	file, err := filepath.Abs(filepath.Join(deploy, "kubernetes.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	takes(t, map[string]int{"gateway": 1, "tcpserver": 1, "nats-server": 1}, programs(t, file, nil))
}

// programs are what the containers of a file run, each with its arguments.
func programs(t *testing.T, file string, stdin io.Reader) (all [][]string) {
	t.Helper()
	cmd := exec.Command("go", "run", "./manifests", file)
	cmd.Dir = filepath.Join("..", "tools")
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = stdin, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, &stderr)
	}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var one []string
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// takes wants so many of each program, with arguments that it takes.
func takes(t *testing.T, want map[string]int, all [][]string) {
	t.Helper()
	got := map[string]int{}
	for _, p := range all {
		image, args := p[0], p[1:]
		name := map[string]string{"porthole:latest": "gateway", "nats:2": "nats-server", "haproxy:2.6": "haproxy"}[image]
		if len(args) > 0 && strings.HasPrefix(args[0], "/") {
			name, args = args[0][1:], args[1:]
		}
		switch name {
		case "haproxy":
			continue
		case "nats-server":
			o, err := server.ConfigureOptions(flag.NewFlagSet(name, flag.ContinueOnError), args, func() {}, func() {}, func() {})
			if err != nil {
				t.Errorf("%s %q: %v", name, args, err)
			} else if !o.JetStream || len(o.Routes) != 3 || o.Cluster.Name == "" || o.StoreDir == "" {
				t.Errorf("%s %q is not one of three that keep what they have", name, args)
			}
		default: // it complains of others before it helps
			if out, err := exec.Command(filepath.Join(bin, name), append(slices.Clone(args), "--help")...).CombinedOutput(); err != nil {
				t.Errorf("%s %q: %v\n%s", name, args, err, out)
			}
		}
		got[name]++
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("there are %v, want %v", got, want)
	}
}

// behindHaproxy starts gateways behind haproxy, as docs/deploy/haproxy.cfg has it but
// for names, ports and paths.
func behindHaproxy(t *testing.T, n int, args ...string) (p *proxied, gateways []*process) {
	t.Helper()
	haproxy := installed(t, "/usr/sbin/haproxy")
	text, err := os.ReadFile(filepath.Join(deploy, "haproxy.cfg"))
	if err != nil {
		t.Fatal(err)
	}
	var servers strings.Builder
	for i := range n {
		admin := unused(t)
		gw, at := gateway(t, append([]string{"--trust-proxy", "127.0.0.1", "--origin", "https://" + site, "--admin", admin}, args...)...)
		_, port, _ := net.SplitHostPort(admin)
		fmt.Fprintf(&servers, "\tserver g%d %s check port %s\n", i, strings.TrimPrefix(at, "http://"), port)
		gateways = append(gateways, gw)
	}
	dir := t.TempDir()
	cert, key := certify(t, dir)
	if err := os.Rename(key, cert+".key"); err != nil { // where haproxy looks for it
		t.Fatal(err)
	}
	at, clear := unused(t), unused(t)
	conf := strings.NewReplacer(":8443", at, ":8080", clear, "/tls/site.pem", cert, "maxconn 100000", "maxconn 1000").Replace(string(text))
	conf = regexp.MustCompile(`(?m)^\tserver-template .*\n`).ReplaceAllLiteralString(conf, servers.String())
	file := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, haproxy, "-db", "-f", file)
	p = &proxied{t: t, client: to(at, clear)}
	soonTrue(t, "haproxy serves", func() bool {
		resp, err := p.client.Get("https://" + site + "/healthz")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil && resp.StatusCode == http.StatusOK
	})
	return p, gateways
}

// haproxy itself takes the file as it is, but for a certificate that is there.
func TestHaproxy(t *testing.T) {
	haproxy := installed(t, "/usr/sbin/haproxy")
	text, err := os.ReadFile(filepath.Join(deploy, "haproxy.cfg"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key := certify(t, dir)
	if err := os.Rename(key, cert+".key"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), "/tls/site.pem", cert)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(haproxy, "-c", "-f", file).CombinedOutput(); err != nil || bytes.Contains(out, []byte("WARNING")) {
		t.Errorf("haproxy -c: %v\n%s", err, out)
	}
}

// Behind haproxy a ticket finds the gateway that issued it, whoever offers it; and who
// has a session on a gateway that ends is told, and finds another.
func TestBehindHaproxy(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "keys")
	const key = "kX3vT0c2mYh0o7qWkQmH4w9s"
	if err := os.WriteFile(keys, []byte("alice "+key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, gateways := behindHaproxy(t, 3, "--target", serve(t, echo), "--keys", keys)
	var all []*websocket.Conn
	for range 12 {
		ws, status := p.dial(nil, "binary", p.ticket(key))
		if ws == nil {
			t.Fatalf("a ticket: %d", status)
		}
		p.echoes(ws, 100)
		all = append(all, ws)
	}
	gateways[0].term()
	if got := gateways[0].wait(); got != 0 {
		t.Errorf("exit status %d", got)
	}
	soonTrue(t, "no one is sent to the gateway that has gone", func() bool {
		ws, status := p.dial(http.Header{"Authorization": {"Bearer " + key}})
		if ws == nil && status < http.StatusInternalServerError {
			t.Fatalf("a further session: %d", status)
		}
		return ws != nil
	})
	told := 0
	for _, ws := range all {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if ws.Ping(ws.CloseRead(ctx)) != nil {
			told++
		}
	}
	if told == 0 || told == len(all) {
		t.Errorf("%d of %d sessions were on the gateway that has gone: they were to be on all three", told, len(all))
	}
}

// ticket asks for one as a site's own server does.
func (p *proxied) ticket(key string) string {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, "https://"+site+"/ticket", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := p.client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	var ticket struct{ Protocol string }
	if err := json.NewDecoder(resp.Body).Decode(&ticket); err != nil {
		p.t.Fatalf("%s: %v", resp.Status, err)
	}
	return ticket.Protocol
}
