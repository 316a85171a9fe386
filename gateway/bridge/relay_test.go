package bridge_test

//lint:file-ignore SA1019 the library is the project's choice, here for its client

import (
	"errors"
	"net"
	"testing"

	"nhooyr.io/websocket"

	"porthole/gateway/bridge"
)

// relayEnd is a way for a relay to end: what is done, and what both ends see of it.
type relayEnd struct {
	name   string
	act    func(t *testing.T, r raw, c *net.TCPConn)
	code   int
	reason string
	server error
}

// relayEnds tests how a relay ends that open begins, in whichever dialect. A
// WebSocket has no half-close: when either end has ended, both have, and what came
// before is not lost. ended is what a client is told when the server has.
func relayEnds(t *testing.T, ended string, open func(t *testing.T, target bridge.Target) raw, more ...relayEnd) {
	for _, tt := range append([]relayEnd{
		{"the server half-closes", func(t *testing.T, r raw, c *net.TCPConn) {
			write(t, c, "last words")
			closeWrite(t, c)
			if got, want := r.receive(10), "last words"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}, 1000, ended, nil},
		{"the server resets", func(t *testing.T, r raw, c *net.TCPConn) {
			write(t, c, "last words")
			r.receive(10)
			reset(t, c)
		}, 1011, "ECONNRESET: read", net.ErrClosed},
		{"the client closes", func(t *testing.T, r raw, c *net.TCPConn) {
			r.send(websocket.MessageBinary, "last words")
			if err := r.Close(websocket.StatusNormalClosure, ""); err != nil {
				t.Error(err)
			}
			if got, want := read(t, c, 10), "last words"; got != want {
				t.Errorf("the server reads %q, want %q", got, want)
			}
		}, 0, "", nil},
	}, more...) {
		t.Run(tt.name, func(t *testing.T) {
			target, accept := accepting(t)
			r := open(t, target)
			c := accept()
			tt.act(t, r, c)
			if code, reason := r.status(); code != tt.code || reason != tt.reason {
				t.Errorf("close code %d %q, want %d %q", code, reason, tt.code, tt.reason)
			}
			if err := ending(c); !errors.Is(err, tt.server) {
				t.Errorf("the server sees %v, want %v", err, tt.server)
			}
		})
	}
}
