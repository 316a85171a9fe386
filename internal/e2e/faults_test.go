package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"
)

// The gateway is told to end while many pages are in full transfer and as many are
// dead: each live one is told, and the dead ones hold it up for the grace only.
func TestTermUnderLoad(t *testing.T) {
	const pages, grace = 20, 2 * time.Second
	sound, pouring := serve(t, echo), serve(t, firehose)
	gw, url := gateway(t, "--target", sound, "--target", pouring, "--grace", fmt.Sprint(grace))
	var live []*transfer
	for i := range pages {
		dialWS(t, url, kinds[i%2], pouring) // dead: it never reads
	}
	for i := range pages {
		live = append(live, begin(t, url, kinds[i%2], sound))
	}
	start := time.Now()
	gw.term()
	select {
	case <-gw.ended:
		t.Logf("it ended %v after SIGTERM", time.Since(start))
	case <-time.After(grace + time.Second):
		t.Errorf("it has not ended a second after its grace of %v", grace)
	}
	if got := gw.wait(); got != 0 {
		t.Errorf("exit status %d, want 0", got)
	}
	for i, x := range live {
		if code, text := x.end(t); code != websocket.StatusGoingAway {
			t.Errorf("page %d, %q: close code %d (%s), want 1001", i, kinds[i%2], code, text)
		}
	}
}

// The server is killed while pages are in full transfer: each is told what the
// gateway's kernel tells, nothing of them is left, and once there is a server again
// all is well.
func TestServerKilledUnderLoad(t *testing.T) {
	server, addr, _ := tcpserver(t)
	gw, url := gateway(t, "--target", addr)
	_ = begin(t, url, "", addr).ws.CloseNow() // with the first page comes what stays for good
	before := gw.descriptors()
	var all []*transfer
	for i := range 10 {
		all = append(all, begin(t, url, kinds[i%2], addr))
	}
	server.kill()
	for _, x := range all {
		if x.v1 {
			got(t, "end of a socket", x.closed)
			// An end is answered with one: what is under way then may find no one.
			if how := x.told[len(x.told)-1]; !slices.Contains([]string{"ECONNRESET", "EPIPE", "ENOTCONN", "end"}, how) {
				t.Errorf("porthole.v1: the page is told %q, want a reset or an end", x.told)
			}
			_ = x.ws.CloseNow()
			continue
		}
		_, text := x.end(t)
		if !strings.Contains(text, "ECONNRESET") && !strings.Contains(text, "EPIPE") && !strings.Contains(text, "the server has ended") {
			t.Errorf("raw: the page is told %q, want a reset or an end", text)
		}
	}
	soonTrue(t, "the gateway has as many descriptors as before", func() bool { return gw.descriptors() <= before })
	tcpserver(t, "--listen", addr)
	greet(t, url)
}

// The gateway is killed while pages are in full transfer: they see their WebSocket
// break off, their servers the sockets, and another gateway can be there at once.
func TestGatewayKilledUnderLoad(t *testing.T) {
	server, addr, _ := tcpserver(t)
	gw, url := gateway(t, "--target", addr)
	before := server.descriptors()
	var all []*transfer
	for i := range 10 {
		all = append(all, begin(t, url, kinds[i%2], addr))
	}
	gw.kill()
	for _, x := range all {
		if code, text := x.end(t); code != -1 || !errors.Is(x.err, io.EOF) && !errors.Is(x.err, syscall.ECONNRESET) {
			t.Errorf("close code %d (%s), want none, and what the kernel tells", code, text)
		}
	}
	soonTrue(t, "the server has as many descriptors as before", func() bool { return server.descriptors() <= before })
	gateway(t, "--listen", strings.TrimPrefix(url, "http://"), "--target", addr)
	greet(t, url)
}
