package bridge_test

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"porthole/wire"
)

// An encrypted connection has no descriptor to read from: it goes the same way
// through net.Conn, with messages small and large, a ping and a goodbye.
func TestTLS(t *testing.T) {
	for _, protocol := range []string{"", wire.Subprotocol} {
		t.Run(protocol, func(t *testing.T) {
			b := to(peer(t, echo))
			b.Policy.Origins = []string{"http://localhost"} // which handshake says it is from
			server := httptest.NewTLSServer(b)
			t.Cleanup(func() {
				shutdown(t, b)
				server.Close()
			})
			config := server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
			config.ServerName = "example.com" // as httptest's certificate has it
			plain, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			c := tls.Client(plain, config)
			t.Cleanup(func() { _ = c.Close() })
			deadline(t, c)
			f, status := handshake(t, c, protocol)
			if want := http.StatusSwitchingProtocols; status != want {
				t.Fatalf("status %d, want %d", status, want)
			}
			v1 := protocol == wire.Subprotocol
			if v1 {
				f.send(frame(true, opBinary, message(wire.OpDial, 1, &wire.Dial{Window: wire.MaxWindow})))
			}
			var back []byte
			receive := func(payload []byte) {
				op, _, rest, err := wire.ParseHead(payload)
				switch {
				case !v1:
					back = append(back, payload...)
				case err == nil && op == wire.OpData:
					back = append(back, rest...)
				}
			}
			bytesOf := noise(60_000) // within the window, whatever wrote says
			sizes := []int{1, 100, 511, 512, 513, 30_000, 28_363}
			for _, n := range sizes {
				payload := string(bytesOf[:n])
				bytesOf = bytesOf[n:]
				if v1 {
					payload = string(wire.AppendHead(nil, wire.OpData, 1)) + payload
				}
				f.send(frame(true, opBinary, payload))
			}
			f.send(frame(true, opPing, "are you there"))
			pongs := 0
			for want := 60_000; len(back) < want || pongs == 0; {
				opcode, payload, err := f.next()
				switch {
				case err != nil:
					t.Fatalf("behind %d bytes and %d pongs: %v", len(back), pongs, err)
				case opcode == opPong && string(payload) == "are you there":
					pongs++
				default:
					receive(payload)
				}
			}
			if !bytes.Equal(back, noise(60_000)) {
				t.Errorf("%d bytes come back that are not those that were sent", len(back))
			}
			f.send(closeFrame(1000, ""))
			if got, want := f.goodbye(false, receive), 1000; got != want {
				t.Errorf("close code %d, want %d", got, want)
			}
		})
	}
}
