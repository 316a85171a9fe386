//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

// protocol is what a client speaks to a peer.
type protocol int

const (
	speaksTCP protocol = iota // the bytes and nothing else
	speaksRaw                 // a WebSocket whose messages are the bytes
	speaksV1                  // porthole.v1
)

// peer is something that carries TCP to a server.
type peer struct {
	name   string
	speaks protocol
	ours   bool // the gateway, whose profile is of interest
	// start starts it to carry to the targets, of which only porthole.v1 can
	// choose; all others carry to the first.
	start func(ctx context.Context, dir string, targets []string) (*process, error)
}

// peers are all there are, in the order of the tables.
func peers() []peer {
	return []peer{
		{name: "haproxy", speaks: speaksTCP, start: startHAProxy},
		{name: "raw", speaks: speaksRaw, ours: true, start: gateway("--no-events")},
		{name: "v1", speaks: speaksV1, ours: true, start: gateway("--no-events")},
		{name: "raw+events", speaks: speaksRaw, ours: true, start: gateway("--events")},
		{name: "v1+events", speaks: speaksV1, ours: true, start: gateway("--events")},
		{name: "nhooyr", speaks: speaksRaw, start: func(ctx context.Context, dir string, targets []string) (*process, error) {
			return start(ctx, "", false, filepath.Join(dir, "straw"), targets[0])
		}},
		{name: "websockify", speaks: speaksRaw, start: startWebsockify},
	}
}

// ours are the peers that are to be built.
var ours = []string{"porthole/gateway", "porthole/internal/bench/straw"}

// build compiles commands into dir. Without its build tag the gateway
// compiles the page when it starts, before it listens: that takes a while and
// is not measured, for every clock is read after.
func build(ctx context.Context, dir string, pkgs ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-trimpath", "-o", dir + "/"}, pkgs...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd, err, out)
	}
	return nil
}

func gateway(flags ...string) func(context.Context, string, []string) (*process, error) {
	return func(ctx context.Context, dir string, targets []string) (*process, error) {
		argv := append([]string{filepath.Join(dir, "gateway"), "--listen", "127.0.0.1:0"}, flags...)
		for _, target := range targets {
			argv = append(argv, "--target", target)
		}
		return start(ctx, "", false, argv...)
	}
}

const haproxy = "/usr/sbin/haproxy"

// haproxyConfig has no checks and no limits that a measurement could meet;
// threads are as many as haproxy likes.
const haproxyConfig = `global
	maxconn 8000
	no strict-limits
defaults
	mode tcp
	timeout connect 10s
	timeout client 1h
	timeout server 1h
listen hop
	bind %s
	server behind %s
`

func startHAProxy(ctx context.Context, dir string, targets []string) (*process, error) {
	addr, err := free()
	if err != nil {
		return nil, err
	}
	name := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(name, fmt.Appendf(nil, haproxyConfig, addr, targets[0]), 0o600); err != nil {
		return nil, err
	}
	return start(ctx, addr, false, haproxy, "-db", "-f", name)
}

const websockify = "/usr/bin/websockify"

func startWebsockify(ctx context.Context, _ string, targets []string) (*process, error) {
	addr, err := free()
	if err != nil {
		return nil, err
	}
	return start(ctx, addr, true, websockify, addr, targets[0])
}

// absent says why a peer cannot run here, or nothing.
func absent(p peer) string {
	for name, path := range map[string]string{"haproxy": haproxy, "websockify": websockify} {
		if _, err := os.Stat(path); err != nil && p.name == name {
			return path + " is not installed"
		}
	}
	return ""
}

// free is an address where no one listens, for peers that cannot say which they
// took.
func free() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
