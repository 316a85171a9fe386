package bridge_test

//lint:file-ignore SA1019 the library is the project's choice, here for its client

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"porthole/gateway/bridge"
	"porthole/wire"
	"porthole/wire/bus"
)

// Who may watch sees both ends of others' connections: of this gateway, and of
// others. Who may not sees his own, and the server's end of it wherever that is.
func TestSpectators(t *testing.T) {
	b := watched(t, false)
	grants := []*bridge.Grant{{User: "anna"}, {User: "guard", Watch: true}}
	b.Authenticate = func(*http.Request) (*bridge.Grant, error) { // the first who comes is anna
		g := grants[0]
		grants = grants[1:]
		return g, nil
	}
	host := serve(t, b)
	anna, guard := open(t, host), open(t, host)
	saw := func(p *page, conn uint64, what string) func() bool {
		return func() bool {
			return slices.ContainsFunc(p.events, func(e wire.Event) bool {
				return e.Conn == conn && e.Side.String()+" "+e.Kind.String() == what
			})
		}
	}
	s := anna.connect(b.Policy.Targets[0])
	guard.await("the guard sees both ends", func() bool {
		return saw(guard, s.connected.Conn, "client connect")() && saw(guard, 1, "server connection")()
	})
	far := bus.Globally(7, 1)
	local, remote := s.connected.Local, s.connected.Remote
	b.Import(wire.Event{Kind: wire.Connect, Side: wire.Client, Conn: far, Local: "10.0.0.1:1", Remote: "10.0.0.2:2"})
	b.Import(wire.Event{Kind: wire.Drain, Side: wire.Server, Conn: far, Local: remote, Remote: local})
	guard.await("the guard sees what is far", func() bool {
		return saw(guard, far, "client connect")() && saw(guard, far, "server drain")()
	})
	anna.await("anna sees the other end of her own", saw(anna, far, "server drain"))
	anna.mu.Lock()
	defer anna.mu.Unlock()
	if saw(anna, far, "client connect")() {
		t.Error("anna sees a stranger's connection")
	}
}

// scarce is a fleet whose others have so many of everything, and lease one port.
type scarce struct {
	bridge.Fleet
	others int
	told   map[string]int
	leased string
	lost   chan func() // of what was leased
}

func (f *scarce) Others(string) int       { return f.others }
func (f *scarce) Count(key string, n int) { f.told[key] = n }

func (f *scarce) Lease(_ context.Context, key string, lost func()) (func(), error) {
	if key == f.leased {
		return nil, bus.ErrLeased
	}
	f.lost <- lost
	return func() {}, nil
}

// A user's sessions on other gateways count, and what he has here is told them.
func TestUsersAreLimited(t *testing.T) {
	b := to()
	fleet := &scarce{others: 1, told: map[string]int{}}
	b.Fleet, b.Limits.User = fleet, 2
	b.Authenticate = func(*http.Request) (*bridge.Grant, error) { return &bridge.Grant{User: "anna"}, nil }
	host := serve(t, b)
	first := openRaw(t, host, "", wire.Subprotocol)
	resp, err := http.DefaultClient.Do(upgradeRequest(t, host))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a third session: %s", resp.Status)
	}
	if refused := b.Stats().Refused["user"]; refused != 1 {
		t.Errorf("%d are counted as refused", refused)
	}
	_ = first.CloseNow()
	soonTrue(t, "her place is free", func() bool { return b.Stats().Sessions == 0 })
	if n, ok := fleet.told["sessions of anna"]; !ok || n != 0 {
		t.Errorf("the others were told %v", fleet.told)
	}
}

// A port that is someone else's in the fleet is in use; one whose lease is lost is
// listened on no more.
func TestLeasedPorts(t *testing.T) {
	b := hosting()
	b.Log = nil
	fleet := &scarce{leased: "port 4711", lost: make(chan func(), 1)}
	b.Fleet = fleet
	k := talk(t, serve(t, b))
	k.refused(1, wire.Listen{Host: "127.0.0.1", Port: 4711}, "EADDRINUSE")
	addr := k.listens(3, wire.Listen{})
	if len(fleet.lost) > 0 {
		t.Error("any free port was leased")
	}
	k.send(wire.OpUnlisten, 3, nil)
	k.body(wire.OpUnlistened, 3, nil)
	port := parse(addr).Port
	k.listens(5, wire.Listen{Host: "127.0.0.1", Port: uint64(port)})
	(<-fleet.lost)()
	k.body(wire.OpUnlistened, 5, nil)
}

func upgradeRequest(t *testing.T, host string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}}
	return r
}
