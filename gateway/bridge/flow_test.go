package bridge_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"porthole/gateway/bridge"
	"porthole/wire"
	"porthole/wire/tap"
)

//lint:file-ignore SA1019 the library is the project's choice, here for its client

// noise is n bytes that no offset repeats.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b) // it never fails
	return b
}

// 1 MB each way at once, checked at each end.
func TestMegabyteEachWay(t *testing.T) {
	up, down := noise(1<<20), noise(1<<20 + 1)[1:]
	target, accept := accepting(t)
	p := open(t, serve(t, to(target)))
	s := p.connect(target)
	c := accept()
	written := make(chan error)
	go func() {
		_, err := c.Write(down)
		if err == nil {
			err = c.CloseWrite()
		}
		written <- err
	}()
	hashed := make(chan [32]byte)
	go func() {
		b, _ := io.ReadAll(c)
		hashed <- sha256.Sum256(b)
	}()
	s.send(up)
	s.do(s.Stream.End)
	if got, want := <-hashed, sha256.Sum256(up); got != want {
		t.Error("what the peer read is not what the page sent")
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	if got, want := s.closed(), wire.ReasonEnded; got != want {
		t.Errorf("closed %v, want %v", got, want)
	}
	if got, want := sha256.Sum256(s.in), sha256.Sum256(down); got != want {
		t.Error("what the page read is not what the peer sent")
	}
	if got, want := s.wrote, uint64(len(up)); got != want {
		t.Errorf("wrote says %d bytes, want %d", got, want)
	}
}

func TestThousandMessages(t *testing.T) {
	server := peer(t, echo)
	p := open(t, serve(t, to(server)))
	s := p.connect(server)
	var want strings.Builder
	for i := range 1000 {
		msg := fmt.Sprintf("message %d %s\n", i, strings.Repeat("x", i%97))
		want.WriteString(msg)
		s.send([]byte(msg))
	}
	s.do(s.Stream.End)
	if got, want := s.closed(), wire.ReasonEnded; got != want {
		t.Errorf("closed %v, want %v", got, want)
	}
	if got := string(s.in); got != want.String() {
		t.Errorf("got %d bytes, want %d in order", len(got), want.Len())
	}
}

// Bytes cut any way, many streams at a time, come back as one stream each.
func TestAnyChunks(t *testing.T) {
	const size = 300_000
	data := noise(size)
	server := peer(t, echo)
	p := open(t, serve(t, to(server)))
	var sending sync.WaitGroup
	for seed := range uint64(8) {
		s := p.connect(server)
		sending.Go(func() {
			sizes := rand.New(rand.NewPCG(seed, 0))
			for at := 0; at < size; {
				n := min(size-at, 1+sizes.IntN(1<<sizes.IntN(17)))
				s.send(data[at : at+n])
				at += n
			}
			s.do(s.Stream.End)
			if got, want := s.closed(), wire.ReasonEnded; got != want {
				t.Errorf("closed %v, want %v", got, want)
			}
		})
	}
	sending.Wait()
	for i, s := range p.streams {
		if !bytes.Equal(s.in, data) {
			t.Errorf("stream %d: %d bytes came, want %d as they were sent", i, len(s.in), size)
		}
	}
}

// A server that is killed while it pours: what came is what it sent first.
func TestServerKilled(t *testing.T) {
	data := noise(8 << 20)
	target, accept := accepting(t)
	p := open(t, serve(t, to(target)))
	for range 20 {
		s := p.connect(target)
		c := accept()
		killed := make(chan struct{})
		go func() {
			defer close(killed)
			_, _ = c.Write(data) // it is cut short
		}()
		s.receive(200_000)
		s.do(func() { s.Stream.Write([]byte("meanwhile")) })
		reset(t, c)
		if got, want := s.closed(), wire.ReasonError; got != want {
			t.Errorf("closed %v, want %v", got, want)
		}
		<-killed
		// The kernel tells of a reset once: if the write has it, the read may
		// find an end.
		got := slices.DeleteFunc(s.told, func(what string) bool { return what == "end" })
		if want := []string{"connected", "error ECONNRESET", "closed error"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		if !bytes.HasPrefix(data, s.in) {
			t.Errorf("%d bytes came, not those that were sent", len(s.in))
		}
	}
}

// A message is one write, where someone watches, so that what a page does can be
// seen; and a write is reported once.
func TestMessageIsOneWrite(t *testing.T) {
	target, accept := accepting(t)
	log := &tap.Log{}
	b := to(target)
	b.Log = log
	p := open(t, serve(t, b))
	s := p.connect(target)
	c := accept()
	go func() { _, _ = io.Copy(io.Discard, c) }()
	var want []uint64
	for i, n := range []int{1, 1, 2, 1000, 1, wire.MaxMessage - wire.Overhead, 3, wire.MaxMessage - 2} {
		want = append(want, uint64(n))
		s.send(bytes.Repeat([]byte{byte(i)}, n))
	}
	s.do(s.Stream.End)
	s.await("finished", func() bool { return slices.Contains(s.told, "finished") })
	var got []uint64
	for _, e := range history(log) {
		if e.Kind == wire.CallWrite {
			got = append(got, e.Bytes())
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("writes of %d bytes, want %d", got, want)
	}
}

// A thousand messages that come at once are as many writes, and ten thousand are
// not: who sends so many is not to be slowed down by those who watch.
func TestLoadIsJoined(t *testing.T) {
	for _, protocol := range []string{"", wire.Subprotocol} {
		for n, joined := range map[int]bool{1000: false, 10_000: true} {
			t.Run(fmt.Sprintf("%d over %q", n, protocol), func(t *testing.T) {
				target, accept := accepting(t)
				b := to(target)
				b.Log = &tap.Log{History: 1 << 16}
				f := frames(t, serve(t, b), protocol)
				one := frame(true, opBinary, "x")
				if protocol == wire.Subprotocol {
					f.send(frame(true, opBinary, message(wire.OpDial, 1, &wire.Dial{})))
					one = frame(true, opBinary, data(1, 1))
				}
				c := accept()
				if protocol == wire.Subprotocol {
					for range 2 { // hello and connected
						if _, _, err := f.next(); err != nil {
							t.Fatal(err)
						}
					}
				}
				f.send(strings.Repeat(one, n))
				read(t, c, n)
				_ = f.Close()
				shutdown(t, b)
				writes := 0
				for _, e := range history(b.Log) {
					if e.Kind == wire.CallWrite {
						writes++
					}
				}
				if writes < 1 || writes > n || (writes < n) != joined {
					t.Errorf("%d writes for %d messages, joined should be %v", writes, n, joined)
				}
			})
		}
	}
}

func history(log *tap.Log) []wire.Event {
	events := make([]wire.Event, log.Last())
	n, _ := log.Since(0, events)
	return events[:n]
}

// The gateway reads from the socket what the page has given credit for, and
// not a byte more. Everything comes once the page reads.
func TestPausedReader(t *testing.T) {
	const size = 4 << 20
	data := noise(size)
	server := peer(t, func(c *net.TCPConn) { _, _ = c.Write(data) })
	log := &tap.Log{}
	b := to(server)
	b.Log = log
	p := open(t, serve(t, b))
	s := p.dialPaused(server)
	s.await("a full window", func() bool { return s.Buffered() == wire.MaxWindow })
	// Another stream has gone all the way there and back, and nothing came.
	other := p.dialPaused(server)
	other.await("a full window", func() bool { return other.Buffered() == wire.MaxWindow })
	s.do(func() {
		if got, want := p.got, 2*wire.MaxWindow; got != want {
			t.Errorf("the page got %d bytes, want %d", got, want)
		}
	})
	if got, want := readOffset(log, s.connected.Conn), uint64(wire.MaxWindow); got != want {
		t.Errorf("the gateway read %d bytes, want %d", got, want)
	}
	other.do(other.Stream.Close)
	s.do(func() {
		s.paused = false
		s.drain()
	})
	if got := s.receive(size); sha256.Sum256([]byte(got)) != sha256.Sum256(data) {
		t.Error("what came is not what was sent")
	}
}

// readOffset is how far the client's end of a connection was read.
func readOffset(log *tap.Log, conn uint64) (offset uint64) {
	for _, e := range history(log) {
		if e.Kind == wire.Data && e.Side == wire.Client && e.Conn == conn {
			offset = e.To
		}
	}
	return offset
}

// Credit is counted in bytes: what is given is read, and no more.
func TestCreditByCredit(t *testing.T) {
	target, accept := accepting(t)
	k := talk(t, serve(t, to(target)))
	k.send(wire.OpDial, 1, &wire.Dial{Window: 0})
	k.body(wire.OpConnected, 1, nil)
	c := accept()
	text := strconv.Itoa(1234567890) + strings.Repeat("z", 100_000)
	write(t, c, text)
	var got []byte
	for _, n := range []wire.Count{1, 2, 3, 4, 99_999, 1} {
		k.send(wire.OpCredit, 1, &n)
		for left := int(n); left > 0; {
			op, _, rest, err := k.next()
			if op != wire.OpData || err != nil || len(rest) > left {
				t.Fatalf("got op %d with %d bytes, %v, want data of at most %d", op, len(rest), err, left)
			}
			left -= len(rest)
			got = append(got, rest...)
		}
	}
	if string(got) != text {
		t.Errorf("%d bytes came, want %d as they were sent", len(got), len(text))
	}
}

// A stream whose page does not read and one whose peer does not read hold up
// none of the others.
func TestStalledStreamsHoldUpNoOther(t *testing.T) {
	fire, mute, server := peer(t, firehose), peer(t, deaf), peer(t, echo)
	p := open(t, serve(t, to(fire, mute, server)))
	unread := p.dialPaused(fire)
	unread.await("a full window", func() bool { return unread.Buffered() == wire.MaxWindow })
	untaken := p.connect(mute)
	untaken.do(func() { untaken.Stream.Write(make([]byte, wire.Window)) })
	var streams []*stream
	for range 50 {
		streams = append(streams, p.connect(server))
	}
	data := noise(100 << 10)
	for _, s := range streams {
		s.do(func() { s.Stream.Write(data[:len(data)-len(streams)]) })
	}
	for _, s := range streams {
		s.send(data[len(data)-len(streams):])
		s.do(s.Stream.End)
	}
	for _, s := range streams {
		if got, want := s.closed(), wire.ReasonEnded; got != want || !bytes.Equal(s.in, data) {
			t.Errorf("closed %v after %d bytes, want %v after %d", got, len(s.in), want, len(data))
		}
	}
	unread.do(func() {
		if unread.reason != 0 || untaken.reason != 0 {
			t.Error("a stalled stream has ended")
		}
	})
}

// A peer that never reads takes what two kernels hold; then the window is full,
// and a page that goes on breaks the protocol.
func TestPeerThatNeverReads(t *testing.T) {
	server := peer(t, deaf)
	k := talk(t, serve(t, &bridge.Bridge{Policy: bridge.Policy{Targets: []bridge.Target{server}}}))
	k.connect(1)
	msg := wire.Append(nil, wire.OpData, 1, nil)
	msg = append(msg, make([]byte, wire.MaxMessage-len(msg))...)
	sent := make(chan error)
	go func() {
		for {
			if err := k.ws.Write(t.Context(), 2, msg); err != nil {
				sent <- err
				return
			}
		}
	}()
	if code, reason := k.status(); code != 1002 || reason != "data beyond the window" {
		t.Errorf("close code %d %q, want 1002 for data beyond the window", code, reason)
	}
	<-sent
}
