package view_test

import (
	"testing"

	"porthole/web/view"
	"porthole/wire"
)

// A dial is to a listener if it is known to be one to its address, or may be.
func TestListener(t *testing.T) {
	const unknown, listening = 0, 1
	tests := []struct {
		listener, dialled string
		want              uint8
	}{
		{"127.0.0.1:1234", "127.0.0.1:1234", listening},
		{"127.0.0.1:1234", "127.0.0.2:1234", unknown},
		{"127.0.0.1:1234", "127.0.0.1:1235", unknown},
		{"127.0.0.1:1234", "localhost:1234", listening},
		{"127.0.0.1:1234", "localhost:123", unknown},
		{"127.0.0.1:1234", "fe80:1234", listening},
		{"127.0.0.1:1234", "host1:1234", listening},
		{"127.0.0.1:1234", "0.0.0.0:1234", listening},
		{"127.0.0.1:1234", ":1234", listening},
		{"127.0.0.1:1234", "[::1]:1234", unknown},
		{"[::1]:1234", "localhost:1234", listening},
		{"[::1]:1234", "[fe80::1%eth0]:1234", unknown},
		{"[::]:1234", "127.0.0.1:1234", listening},
		{"0.0.0.0:1234", "10.0.0.1:1234", listening},
		{"[::]:1234", "127.0.0.1:1235", unknown},
		{"[::]:1234", "/tmp/socket", unknown},
		{"[::]:1234", "", listening}, // of which nothing is known, not even that
	}
	for _, tt := range tests {
		t.Run(tt.dialled+" on "+tt.listener, func(t *testing.T) {
			v := &view.View{}
			v.Store.Add(wire.Event{Kind: wire.Listening, Side: server, Local: tt.listener})
			v.Store.Add(wire.Event{Kind: wire.Error, Side: client, Conn: 1, Remote: tt.dialled, Code: "ECONNREFUSED"})
			if got := unpack(t, v.Frame(nil, 0, 0)).Listener; got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

// A server that listens where another did is up, though that one's last word comes
// later.
func TestListenerInAnothersPlace(t *testing.T) {
	const at = "127.0.0.1:1234"
	for name, tt := range map[string]struct {
		kinds []wire.Kind
		want  uint8
	}{
		"closed":            {[]wire.Kind{wire.Listening, wire.CallClose}, 2},
		"gone":              {[]wire.Kind{wire.Listening, wire.CallClose, wire.Close}, 3},
		"another":           {[]wire.Kind{wire.Listening, wire.CallClose, wire.Listening, wire.Close}, 1},
		"another is closed": {[]wire.Kind{wire.Listening, wire.CallClose, wire.Listening, wire.Close, wire.CallClose, wire.Close}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			v := &view.View{}
			for i, k := range tt.kinds {
				v.Store.Add(wire.Event{Kind: k, Side: server, Local: at, Start: int64(i), Return: int64(i)})
			}
			if got := unpack(t, v.Frame(nil, 0, 0)).Listener; got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}
