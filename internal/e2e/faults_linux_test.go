package e2e_test

//lint:file-ignore SA1019 the library is the project's choice, here for its client

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"porthole/wire"
)

// few descriptors are all that a process has; many clients are more.
const few, many = 64, 200

// fewDescriptors leaves a process few, those that it has open among them.
func (p *process) fewDescriptors() {
	p.t.Helper()
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: few, Max: few}, nil); err != nil {
		p.t.Fatal(err)
	}
}

// crowd connects many clients at once to a process that has fewer descriptors, and
// waits until they are all in use.
func (p *process) crowd(addr string) (clients []net.Conn) {
	p.t.Helper()
	for range many {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			p.t.Fatal(err)
		}
		p.t.Cleanup(func() { _ = c.Close() })
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			p.t.Fatal(err)
		}
		clients = append(clients, c)
	}
	soonTrue(p.t, "no descriptor is left", func() bool { return p.descriptors() >= few })
	return clients
}

// The greeter answers each of more clients than it has descriptors for, one after
// the other.
func TestGreeterWithoutDescriptors(t *testing.T) {
	server, addr, _ := tcpserver(t)
	server.fewDescriptors()
	before := server.descriptors()
	var answers sync.WaitGroup
	for _, c := range server.crowd(addr) {
		answers.Go(func() {
			defer c.Close()
			_, _ = io.WriteString(c, "哇咔咔")
			answer := make([]byte, len("你好哇咔咔"))
			if _, err := io.ReadFull(c, answer); err != nil || string(answer) != "你好哇咔咔" {
				t.Errorf("a client reads %q, %v, want 你好哇咔咔", answer, err)
			}
		})
	}
	answers.Wait()
	soonTrue(t, "the greeter has as many descriptors as before", func() bool { return server.descriptors() <= before })
}

// The gateway answers each of more clients than it has descriptors for: it lets in
// whom it has descriptors for, and tells the others that it is full.
func TestGatewayWithoutDescriptors(t *testing.T) {
	_, addr, _ := tcpserver(t)
	gw, url := gateway(t, "--target", addr)
	gw.fewDescriptors()
	before := gw.descriptors()
	status := make(chan int, many)
	let := make(chan net.Conn, many)
	for _, c := range gw.crowd(strings.TrimPrefix(url, "http://")) {
		go func() {
			_, _ = io.WriteString(c, "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Errorf("a client gets no answer: %v", err)
				status <- 0
				return
			}
			if resp.StatusCode == http.StatusSwitchingProtocols {
				let <- c
			} else {
				_ = c.Close()
			}
			status <- resp.StatusCode
		}()
	}
	answers := map[int]int{}
	for range many {
		answers[got(t, "answer", status)]++
	}
	const sessions = 1 // the fewest that a gateway takes
	if answers[http.StatusSwitchingProtocols] != sessions || answers[http.StatusServiceUnavailable] != many-sessions {
		t.Errorf("answers by status: %v, want %d let in, and %d times 503", answers, sessions, many-sessions)
	}
	for range len(let) {
		_ = (<-let).Close()
	}
	soonTrue(t, "the gateway has as many descriptors as before", func() bool { return gw.descriptors() <= before })
	greet(t, url)
}

// A page that wants more sockets than there are descriptors is told so, socket by
// socket, and has them again once others have ended.
func TestDialsWithoutDescriptors(t *testing.T) {
	_, addr, _ := tcpserver(t)
	gw, url := gateway(t, "--target", addr)
	gw.fewDescriptors()
	x := dialWS(t, url, wire.Subprotocol, addr)
	dials := func(from, n uint64) (connected []uint64, failed map[string]int) {
		for id := from; id < from+2*n; id += 2 {
			x.write(wire.Append(nil, wire.OpDial, id, &wire.Dial{}))
		}
		failed = map[string]int{}
		x.until(t, int(n), func(op wire.Op, id uint64, rest []byte) bool {
			switch {
			case op == wire.OpConnected && id >= from:
				connected = append(connected, id)
			case op == wire.OpFailed:
				var f wire.Failure
				if err := wire.Parse(rest, &f); err != nil {
					t.Fatal(err)
				}
				failed[f.Code+" "+f.Syscall]++
			default:
				return false
			}
			return true
		})
		return connected, failed
	}
	connected, failed := dials(3, few)
	if len(connected) == 0 || len(failed) != 1 || failed["EMFILE socket"] == 0 {
		t.Errorf("%d connected, and failed %v, want some, and EMFILE for the others", len(connected), failed)
	}
	for _, id := range connected {
		x.write(wire.Append(nil, wire.OpClose, id, new(wire.Count)))
	}
	x.until(t, len(connected), func(op wire.Op, id uint64, _ []byte) bool {
		return op == wire.OpClosed && slices.Contains(connected, id)
	})
	if again, failed := dials(1001, 9); len(again) != 9 {
		t.Errorf("then %d connect, and fail %v, want 9", len(again), failed)
	}
}

// until reads messages until so many are what is waited for.
func (x *transfer) until(t *testing.T, n int, is func(op wire.Op, id uint64, rest []byte) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for n > 0 {
		_, msg, err := x.ws.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if op, id, rest, _ := wire.ParseHead(msg); is(op, id, rest) {
			n--
		}
	}
}
