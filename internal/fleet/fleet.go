package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// Keys of the fleet's users: one who sees all events, one who works, and one with
// more sessions than he may have.
const (
	watcherKey = "watcher-key-0123456789"
	workerKey  = "worker-key-0123456789"
	greedyKey  = "greedy-key-0123456789"
	maxUser    = 100 // sessions of a user
)

// fleet is what runs.
type fleet struct {
	nats     []*process
	servers  []*process // tcpservers
	gateways []*process
	balancer *process
	bus      string   // the URL of the servers of NATS
	targets  []string // addresses of the tcpservers
	admins   []string // … where the gateways serve operators
	front    string   // … of haproxy
}

// start starts a fleet, whose files are in dir. What has started is returned with
// an error, too.
func start(ctx context.Context, dir string) (*fleet, error) {
	f := &fleet{}
	nats, err := build(ctx, dir)
	if err != nil {
		return f, err
	}
	proxy, err := haproxy()
	if err != nil {
		return f, err
	}
	at, err := free(15)
	if err != nil {
		return f, err
	}
	clients, routes, gateways := at[0:3], at[3:6], at[6:9]
	f.admins, f.targets, f.front = at[9:12], at[12:14], at[14]
	f.bus = "nats://" + strings.Join(clients, ",")
	keys := filepath.Join(dir, "keys")
	if err := os.WriteFile(keys, []byte("watcher "+watcherKey+" watch\nworker "+workerKey+"\ngreedy "+greedyKey+"\n"), 0o600); err != nil {
		return f, err
	}

	for i, addr := range clients {
		p, err := spawn(ctx, fmt.Sprint("nats ", i), addr, nats, "-n", fmt.Sprint("n", i), "-a", "127.0.0.1", "-p", port(addr),
			"-js", "-sd", filepath.Join(dir, fmt.Sprint("nats", i)), "--cluster_name", "porthole",
			"--cluster", "nats://"+routes[i], "--routes", "nats://"+strings.Join(routes, ",nats://"))
		if err != nil {
			return f, err
		}
		f.nats = append(f.nats, p)
	}
	for i, addr := range gateways {
		p, err := spawn(ctx, fmt.Sprint("gateway ", i), f.admins[i], filepath.Join(dir, "gateway"), "--listen", addr, "--admin", f.admins[i],
			"--target", f.targets[0], "--target", f.targets[1], "--bus", f.bus, "--keys", keys,
			"--trust-proxy", "127.0.0.1", "--origin", "http://"+f.front, "--max-user", fmt.Sprint(maxUser), "--allow-listen", "127.0.0.1:1024-65535", "--max-client=-1", "--upgrade-rate=-1", "--bus-bytes", "1073741824")
		if err != nil {
			return f, err
		}
		p.addr = addr
		f.gateways = append(f.gateways, p)
	}
	for i, addr := range f.targets {
		p, err := spawn(ctx, fmt.Sprint("tcpserver ", i), addr, filepath.Join(dir, "tcpserver"), "--listen", addr, "--events", "", "--bus", f.bus, "--log", "json")
		if err != nil {
			return f, err
		}
		f.servers = append(f.servers, p)
	}
	config := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(config, []byte(f.balance()), 0o600); err != nil {
		return f, err
	}
	f.balancer, err = spawn(ctx, "haproxy", f.front, proxy, "-db", "-f", config)
	return f, err
}

func port(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

// balance is haproxy's configuration: what each gateway has, and which one answers.
func (f *fleet) balance() string {
	var b strings.Builder
	fmt.Fprintf(&b, `defaults
  mode http
  timeout connect 2s
  timeout client 1m
  timeout server 1m
  timeout tunnel 1h
  option forwardfor
  option redispatch
  retries 3
  retry-on conn-failure
frontend pages
  bind %s
  default_backend gateways
backend gateways
  balance leastconn
  option httpchk
  http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host localhost
  http-response set-header Gateway %%s
`, f.front)
	for i, g := range f.gateways {
		fmt.Fprintf(&b, "  server %d %s check port %s inter 500ms fall 1 rise 1\n", i, g.addr, port(f.admins[i]))
	}
	return b.String()
}

// all are the processes, in the order in which they end.
func (f *fleet) all() []*process {
	return slices.DeleteFunc(slices.Concat([]*process{f.balancer}, f.gateways, f.servers, f.nats), func(p *process) bool { return p == nil })
}

// end tells all that are there to end, those together that are alike, so that what
// they say last is heard.
func (f *fleet) end(out io.Writer) error {
	for _, kind := range [][]*process{f.gateways, f.servers, {f.balancer}, f.nats} {
		var ending sync.WaitGroup
		for _, p := range kind {
			ending.Go(func() { p.signal(syscall.SIGTERM) })
		}
		ending.Wait()
	}
	fmt.Fprintln(out, "all have ended")
	return nil
}

// kill ends what is left, without a word.
func (f *fleet) kill() {
	for _, p := range f.all() {
		p.signal(syscall.SIGKILL)
	}
}
