package bridge_test

//lint:file-ignore SA1019 the library is the project's choice, here for its client

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"nhooyr.io/websocket"

	"porthole/gateway/bridge"
	"porthole/wire"
	"porthole/wire/tap"
)

// serveNeon serves a bridge to Neon's clients alone.
func serveNeon(t *testing.T, b *bridge.Bridge) string {
	return serve(t, b, func(http.Handler) http.Handler { return b.Neon() })
}

// A target that may not be dialled is 400, as wsproxy has it; how others end is in
// the close frame.
func TestNeonTargets(t *testing.T) {
	first, second, gone := peer(t, sayer("first")), peer(t, sayer("second")), absent(t)
	b := to(first, second, gone, bridge.Target{Host: "db.test", Port: 5432})
	b.Resolver = names(map[string]string{"db.test": "127.0.0.3"}).resolver(t)
	b.Log = &tap.Log{}
	b.Authenticate = func(r *http.Request) (*bridge.Grant, error) {
		if r.Header.Get("Authorization") != "" {
			return &bridge.Grant{User: "anna", Targets: []bridge.Target{second}}, nil
		}
		return nil, nil
	}
	host := serveNeon(t, b)
	for _, tt := range []struct {
		query, user string
		code        int // of the close frame, or the status
		want        string
	}{
		{"", "", 1000, "first"},
		{"address=" + second.String(), "", 1000, "second"},
		{"address=" + gone.String(), "", 1011, "ECONNREFUSED: connect"},
		{"address=db.test", "", 1008, "EACCES: connect"}, // at its own port, and then at an address that is none of the public's
		{"address=127.0.0.1:1", "", 400, ""},
		{"address=elsewhere.test", "", 400, ""},
		{"address=[::1", "", 400, ""},
		{"address=" + second.String(), "anna", 1000, "second"},
		{"address=" + first.String(), "anna", 400, ""},
	} {
		t.Run(tt.query+tt.user, func(t *testing.T) {
			o := &websocket.DialOptions{HTTPHeader: http.Header{}}
			if tt.user != "" {
				o.HTTPHeader.Set("Authorization", tt.user)
			}
			before := b.Stats().Refused["target"]
			ws, resp, err := websocket.Dial(t.Context(), "ws://"+host+"/v2?"+tt.query, o)
			if tt.code == 400 {
				if resp == nil || resp.StatusCode != 400 || b.Stats().Refused["target"] != before+1 {
					t.Fatalf("%v, %v, want 400, counted once", resp, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r := raw{ws, t}
			defer r.CloseNow()
			if tt.code == 1000 {
				if got := r.receive(len(tt.want)); got != tt.want {
					t.Errorf("it says %q", got)
				}
				tt.want = "TCP connection is closed"
			}
			if code, reason := r.status(); code != tt.code || reason != tt.want {
				t.Errorf("closed with %d %q, want %d %q", code, reason, tt.code, tt.want)
			}
		})
	}
	soonTrue(t, "five ends are told of", func() bool {
		closes := 0
		for _, e := range history(b.Log) {
			if e.Kind == wire.Close && e.Side == wire.Client {
				closes++
			}
		}
		return closes == 5
	})
}

// What a client sends before there is a socket comes in its order, however long the
// dial takes; and one that gives up meanwhile leaves nothing.
func TestNeonSendsAhead(t *testing.T) {
	target := peer(t, echo)
	answer := make(chan struct{})
	zone := zone(func(string) []netip.Addr {
		<-answer
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	})
	b := to(bridge.Target{Host: "db.localhost", Port: target.Port})
	b.Resolver = zone.resolver(t)
	host := serveNeon(t, b)
	ahead, _, err := websocket.Dial(t.Context(), "ws://"+host+"/v1", nil)
	if err != nil {
		t.Fatal(err)
	}
	r := raw{ahead, t}
	defer r.CloseNow()
	hasty, _, err := websocket.Dial(t.Context(), "ws://"+host+"/v1", nil)
	if err != nil {
		t.Fatal(err)
	}
	raw{hasty, t}.send(websocket.MessageBinary, "never")
	_ = hasty.CloseNow()
	var want strings.Builder
	for i := range 1000 {
		part := fmt.Sprint(i, " ")
		r.send(websocket.MessageBinary, part)
		want.WriteString(part)
	}
	close(answer)
	if got := r.receive(want.Len()); got != want.String() {
		t.Errorf("%d bytes come back, want %d in their order", len(got), want.Len())
	}
}
