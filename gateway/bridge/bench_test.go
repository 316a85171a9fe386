package bridge_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/wire"
	"porthole/wire/tap"
)

// BenchmarkRelayEcho is one message there and back, the client included: raw and
// porthole.v1, with and without events.
func BenchmarkRelayEcho(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 32 << 10} {
		for _, protocol := range []string{"binary", wire.Subprotocol} {
			for _, observed := range []bool{false, true} {
				b.Run(fmt.Sprintf("%d/%s/events=%v", size, protocol, observed), func(b *testing.B) {
					br := to(peer(b, func(c *net.TCPConn) { _, _ = io.Copy(struct{ io.Writer }{c}, c) }))
					if observed {
						br.Log = &tap.Log{}
					}
					ws := dialWS(b, "ws://"+serve(b, br), protocol)
					ws.SetReadLimit(wire.MaxMessage)
					e := &echoer{b: b, ws: ws, v1: protocol == wire.Subprotocol, size: size}
					e.start()
					b.SetBytes(int64(2 * size))
					b.ReportAllocs()
					for b.Loop() {
						e.round()
					}
				})
			}
		}
	}
}

// BenchmarkWatched is what it costs a page to be watched: its rate of echoes
// over porthole.v1 while three other pages see all that its sockets do and read
// none of it, against no one else. The two alternate, a slice of time each;
// watched/alone is the median of what is left of the rate, so that what else the
// machine does plays little part.
func BenchmarkWatched(b *testing.B) {
	const watchers, size, slice = 3, 1 << 10, 50 * time.Millisecond
	begin := func(watchers int) *echoer {
		br := watched(b, true)
		host := serve(b, br)
		for range watchers {
			open(b, host).freeze()
		}
		ws := dialWS(b, "ws://"+host, wire.Subprotocol)
		ws.SetReadLimit(wire.MaxMessage)
		e := &echoer{b: b, ws: ws, v1: true, size: size}
		e.start()
		return e
	}
	rate := func(e *echoer) float64 {
		rounds, start := 0, time.Now()
		for time.Since(start) < slice {
			e.round()
			rounds++
		}
		return float64(rounds) / time.Since(start).Seconds()
	}
	alone, seen := begin(0), begin(watchers)
	var rates, ratios []float64
	for b.Loop() {
		r := rate(alone)
		rates = append(rates, r)
		ratios = append(ratios, rate(seen)/r)
	}
	median := func(of []float64) float64 { return slices.Sorted(slices.Values(of))[len(of)/2] }
	b.ReportMetric(median(rates), "alone/s")
	b.ReportMetric(median(ratios), "watched/alone")
}

// echoer is a client that allocates as little as it can.
type echoer struct {
	b    *testing.B
	ws   *websocket.Conn
	v1   bool
	size int
	msg  []byte
	buf  []byte
	owed uint64
}

func (e *echoer) start() {
	e.buf = make([]byte, wire.MaxMessage)
	if !e.v1 {
		e.msg = make([]byte, e.size)
		return
	}
	e.write(wire.Append(nil, wire.OpDial, 1, &wire.Dial{Window: wire.Window}))
	e.msg = append(wire.AppendHead(nil, wire.OpData, 1), make([]byte, e.size)...)
}

func (e *echoer) write(msg []byte) {
	if err := e.ws.Write(context.Background(), websocket.MessageBinary, msg); err != nil {
		e.b.Fatal(err)
	}
}

// round writes a message and reads until it is back and the window is whole.
func (e *echoer) round() {
	e.write(e.msg)
	back := 0
	for wrote := !e.v1; back < e.size || !wrote; {
		msg := e.read()
		if !e.v1 {
			back += len(msg)
			continue
		}
		switch op, _, rest, _ := wire.ParseHead(msg); op {
		case wire.OpData:
			back += len(rest)
		case wire.OpWrote:
			wrote = true
		}
	}
	if e.owed += uint64(back); e.v1 && e.owed >= wire.Window/2 {
		e.write(wire.Append(nil, wire.OpCredit, 1, count(e.owed)))
		e.owed = 0
	}
}

func (e *echoer) read() []byte {
	_, r, err := e.ws.Reader(context.Background())
	if err != nil {
		e.b.Fatal(err)
	}
	n := 0
	for {
		m, err := r.Read(e.buf[n:])
		n += m
		if err == io.EOF {
			return e.buf[:n]
		}
		if err != nil {
			e.b.Fatal(err)
		}
	}
}
