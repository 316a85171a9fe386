package bridge_test

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"go.uber.org/goleak"

	"porthole/gateway/bridge"
)

// strays are goroutines of toxiproxy's that stay behind a connection that a toxic,
// or one end, has ended: what comes then waits for ever to be passed on.
var strays = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/stream.(*ChanWriter).Write"),
	goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
}

// Toxics, as toxiproxy's API has them: they do something to what passes, from the
// server unless upstream.
const (
	// cutsOff ends a connection behind so many bytes.
	cutsOff = `{"type": "limit_data", "attributes": {"bytes": 300000}}`
	// resets ends it once the page has sent something. Whatever ends a connection
	// in its way does so with RST.
	resets = `{"type": "reset_peer", "stream": "upstream"}`
	// swallows lets nothing through but the end.
	swallows = `{"type": "timeout"}`

	delays   = `{"type": "latency", "stream": %q, "attributes": {"latency": 20, "jitter": 15}}`
	slows    = `{"type": "bandwidth", "stream": %q, "attributes": {"rate": 1000}}`
	inSlices = `{"type": "slicer", "stream": %q, "attributes": {"average_size": 200, "size_variation": 199}}`
	inBytes  = `{"type": "slicer", "stream": %q, "attributes": {"average_size": 1}}`
)

// bothWays is a toxic that is in the way of either end's bytes.
func bothWays(toxic string) []string {
	return []string{fmt.Sprintf(toxic, "upstream"), fmt.Sprintf(toxic, "downstream")}
}

// toxic is an address that leads to another, with toxics in the way.
func toxic(t testing.TB, to string, toxics ...string) string {
	t.Helper()
	server := &toxiproxy.ApiServer{Metrics: toxiproxy.NewMetricsContainer(nil)}
	server.Logger = mute(server.Logger)
	proxy := toxiproxy.NewProxy(server, t.Name(), "127.0.0.1:0", to)
	for _, toxic := range toxics {
		if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			t.Fatal(err)
		}
	}
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	return proxy.Listen
}

// mute is a logger that writes nothing: the zero value of its type, which need not
// be imported for that.
func mute[Logger any](*Logger) *Logger { return new(Logger) }

// behind is a target with toxics in its way.
func behind(serve func(c *net.TCPConn), toxics ...string) func(t *testing.T) bridge.Target {
	return func(t *testing.T) bridge.Target {
		return parseTarget(t, toxic(t, peer(t, serve).String(), toxics...))
	}
}

// Something on the way to a server that pours breaks the connection off, or ends
// it: what came is what was sent first, and an end is an end.
func TestBrokenOnTheWay(t *testing.T) {
	sent := noise(much)
	pour := func(c *net.TCPConn) { _, _ = c.Write(sent) } // as much as passes
	for _, tt := range []struct {
		name    string
		toxics  []string
		v1, raw string
		meet    func(l line)
		least   int
		most    int
	}{
		{"reset", []string{resets}, "connected, error ECONNRESET, closed error", "1011 ECONNRESET: read",
			func(l line) { l.receive(some); l.send([]byte("x")) }, some, much},
		{"reset behind a limit", []string{resets, cutsOff}, // perhaps before the dial has returned
			"connected, error ECONNRESET, closed error | failed ECONNRESET, closed failed",
			"1011 ECONNRESET: read | 1011 ECONNRESET: connect",
			func(line) {}, 0, 300_000},
		{"ended behind a limit", []string{cutsOff}, "connected, end, finished, closed ended", "1000 the server has ended",
			endSecond, 300_000, 300_000},
		{"swallowed", []string{swallows}, "connected, end, finished, closed ended", "1000 the server has ended",
			endSecond, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			scene{target: behind(pour, tt.toxics...)}.eachKind(t, func(t *testing.T, l line) {
				tt.meet(l)
				in := wantEnd(t, l, tt.v1, tt.raw)
				wantPrefix(t, in, sent)
				if n := len(in); n < tt.least || n > tt.most {
					t.Errorf("%d bytes came, want %d to %d", n, tt.least, tt.most)
				}
			})
		})
	}
}

// Ways that are slow, or cut bytes as they like, lose none.
func TestSlowWays(t *testing.T) {
	sent := noise(256 << 10)
	for name, toxics := range map[string][]string{
		"late": bothWays(delays), "slow": bothWays(slows), "in slices": bothWays(inSlices),
	} {
		t.Run(name, func(t *testing.T) {
			scene{target: behind(echo, toxics...)}.eachKind(t, func(t *testing.T, l line) {
				sending := background(func() { l.send(sent) })
				if l.receive(len(sent)) != string(sent) {
					t.Error("what came back is not what was sent")
				}
				<-sending
			})
		})
	}
}

// A byte at a time, on either leg and both ways: in messages of one, in frames of
// which each byte comes alone, and from the server.
func TestByteByByte(t *testing.T) {
	sent := noise(300)
	scene{
		target: behind(echo, bothWays(inBytes)...),
		way:    func(t *testing.T, host string) string { return toxic(t, host, bothWays(inBytes)...) },
	}.eachKind(t, func(t *testing.T, l line) {
		for i := range sent {
			l.send(sent[i : i+1])
		}
		if l.receive(len(sent)) != string(sent) {
			t.Error("what came back is not what was sent")
		}
	})
}

// endSecond ends the page's side once the server has ended its own.
func endSecond(l line) {
	if l, ok := l.(*v1Line); ok {
		l.await("end", func() bool { return len(l.told) == 2 })
		l.fin()
	}
}
