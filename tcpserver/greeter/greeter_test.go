package greeter_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"porthole/tcpserver/greeter"
)

func TestGreeting(t *testing.T) {
	tests := []struct {
		name     string
		greeting string
		passes   []string // each waits for the answer to the one before
		want     []string
	}{
		{"default", "", []string{"哇咔咔"}, []string{"你好哇咔咔"}},
		{"own", "hi ", []string{"there"}, []string{"hi there"}},
		{"each read", "", []string{"a", "b", "c"}, []string{"你好a", "你好b", "你好c"}},
		{"character cut in two", "", []string{"\xe5\x93", "\x87"}, []string{"你好\xe5\x93", "你好\x87"}},
		{"no text", ">", []string{"\x00\xff\r\n"}, []string{">\x00\xff\r\n"}},
	}
	for _, tt := range tests {
		for _, network := range []string{"tcp", "unix"} {
			t.Run(tt.name+"/"+network, func(t *testing.T) {
				l := local(t)
				if network == "unix" {
					_ = l.Close()
					l = listen(t, filepath.Join(t.TempDir(), "s"))
				}
				serve(t, &greeter.Server{Greeting: tt.greeting}, l)
				c := dial(t, l)
				for i, pass := range tt.passes {
					send(t, c, pass)
					expect(t, c, tt.want[i])
				}
			})
		}
	}
}

// gathering is a listener whose connections read nothing before n bytes are
// there, as a program does that comes late.
type gathering struct {
	net.Listener
	n int
}

func (g gathering) Accept() (net.Conn, error) {
	c, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return gathered{c.(*net.TCPConn), g.n}, nil
}

type gathered struct {
	*net.TCPConn
	n int
}

func (g gathered) Read(p []byte) (int, error) { return io.ReadAtLeast(g.TCPConn, p, g.n) }

func TestTwoMessagesInOneRead(t *testing.T) {
	l := local(t)
	serve(t, &greeter.Server{}, gathering{l, len("哇咔咔哇咔咔")})
	c := dial(t, l)
	send(t, c, "哇咔咔")
	send(t, c, "哇咔咔")
	_ = c.(*net.TCPConn).CloseWrite()
	expect(t, c, "你好哇咔咔哇咔咔")
	expectEOF(t, c)
}

func TestHalfClose(t *testing.T) {
	l := local(t)
	stop := serve(t, &greeter.Server{Grace: time.Hour}, l)
	c := dial(t, l)
	send(t, c, "bye")
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	expect(t, c, "你好bye")
	expectEOF(t, c)
	if err := stop(); err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// calls is a connection that tells of the calls that end it.
type calls struct {
	*net.TCPConn
	told chan<- string
}

func (c calls) CloseWrite() error {
	c.told <- "end"
	return c.TCPConn.CloseWrite()
}

func (c calls) Close() error {
	c.told <- "close"
	return c.TCPConn.Close()
}

type telling struct {
	net.Listener
	told chan string
}

func (l telling) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return calls{c.(*net.TCPConn), l.told}, nil
}

// A FIN is answered with one before the connection is closed, as Node does.
func TestEndComesBeforeClose(t *testing.T) {
	l := telling{local(t), make(chan string, 9)}
	serve(t, &greeter.Server{}, l)
	c := dial(t, l)
	_ = c.(*net.TCPConn).CloseWrite()
	expectEOF(t, c)
	for _, want := range []string{"end", "close"} {
		if got := <-l.told; got != want {
			t.Errorf("the server calls %s, want %s", got, want)
		}
	}
}

func TestManyClients(t *testing.T) {
	const clients, messages = 100, 20
	l := local(t)
	serve(t, &greeter.Server{}, l)
	var wg sync.WaitGroup
	for i := range clients {
		c := dial(t, l)
		wg.Go(func() {
			for j := range messages {
				message := fmt.Sprintf("%d of %d", j, i)
				want := greeter.DefaultGreeting + message
				got := make([]byte, len(want))
				if _, err := io.WriteString(c, message); err != nil {
					t.Errorf("client %d: %v", i, err)
					return
				}
				if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
					t.Errorf("client %d read %q, %v; want %q", i, got, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestSocketErrorEndsThatSocketOnly(t *testing.T) {
	l := local(t)
	serve(t, &greeter.Server{}, l)
	well, ill := dial(t, l), dial(t, l)
	send(t, ill, "x")
	expect(t, ill, "你好x")
	_ = ill.(*net.TCPConn).SetLinger(0) // RST
	_ = ill.Close()
	send(t, well, "y")
	expect(t, well, "你好y")
}

// A client that sends and never reads fills both kernels' buffers until the
// server's write blocks; that must not hold up the end.
func TestClientThatNeverReadsIsCut(t *testing.T) {
	const grace = 50 * time.Millisecond
	l := local(t)
	stop := serve(t, &greeter.Server{Grace: grace}, l)
	c := dial(t, l)
	var err error
	for err == nil { // until the server has stopped reading
		_ = c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
		_, err = c.Write(make([]byte, 1<<20))
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	start := time.Now()
	err = stop()
	if cut, ok := errors.AsType[*greeter.CutError](err); !ok || cut.Conns != 1 {
		t.Errorf("Serve: %v, want 1 cut", err)
	}
	if took := time.Since(start); took < grace || took > grace+5*time.Second {
		t.Errorf("Serve took %v, want the grace of %v and little more", took, grace)
	}
}
