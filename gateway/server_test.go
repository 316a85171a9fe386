package main

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// single is a listener to which one client comes.
type single struct{ conns chan net.Conn }

func (l single) Accept() (net.Conn, error) {
	if c, ok := <-l.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l single) Close() error   { close(l.conns); return nil }
func (l single) Addr() net.Addr { return &net.UnixAddr{} }

// Clients that do not come to the point lose their connection, which would
// otherwise be held for nothing.
func TestSlowClients(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: localhost\r\n"
	for name, tt := range map[string]struct {
		first  string
		second byte // what follows each second, 0 for nothing
		want   time.Duration
	}{
		"says nothing":        {"", 0, 5 * time.Second},
		"dribbles its header": {request + "X: ", 'x', 5 * time.Second},
		"stays":               {request + "\r\n", 0, time.Minute},
		"dribbles the next":   {request + "\r\n" + request, 'x', 5 * time.Second},
		"dribbles a body":     {request + "Content-Length: 9999\r\n\r\n", 'x', 5 * time.Second},
		"dribbles a chunk":    {request + "Transfer-Encoding: chunked\r\n\r\nffff\r\n", 'x', 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := single{make(chan net.Conn, 1)}
				g := &gateway{logger: slog.New(slog.DiscardHandler)}
				server := g.server(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
				go func() { _ = server.Serve(l) }()
				defer server.Close()
				c, theirs := net.Pipe()
				l.conns <- theirs
				start := time.Now()
				var talking sync.WaitGroup
				talking.Go(func() {
					_, err := io.WriteString(c, tt.first)
					for tt.second != 0 && err == nil {
						<-time.After(time.Second)
						_, err = c.Write([]byte{tt.second})
					}
				})
				_ = c.SetReadDeadline(start.Add(time.Hour))
				_, err := io.Copy(io.Discard, c)
				if got := time.Since(start); got != tt.want {
					t.Errorf("it was served for %v (%v), want %v", got, err, tt.want)
				}
				_ = c.Close()
				talking.Wait()
			})
		})
	}
}

// The command itself is such a server.
func TestSlowClientOfTheCommand(t *testing.T) {
	t.Parallel() // it takes its time
	url, end := begin(t, io.Discard, "--target", "127.0.0.1:9")
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	var talking sync.WaitGroup
	talking.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for _, err := io.WriteString(c, "GET / HTTP/1.1\r\nX: "); err == nil; _, err = io.WriteString(c, "x") {
			<-tick.C
		}
	})
	if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after %v it is still waited for", patience)
	}
	_ = c.Close()
	talking.Wait()
	end()
}
