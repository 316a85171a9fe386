//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	//lint:file-ignore SA1019 it is the library that the gateway uses
	"nhooyr.io/websocket"
)

// TestFramingAgainstLibrary lets the library's server judge our frames, and
// echo them: whole, in pieces of one message, and with pings between.
func TestFramingAgainstLibrary(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.CloseNow()
		ws.SetReadLimit(-1)
		for {
			_, msg, err := ws.Read(r.Context())
			if err != nil {
				if websocket.CloseStatus(err) != websocket.StatusNormalClosure {
					t.Error(err)
				}
				return
			}
			out, err := ws.Writer(r.Context(), websocket.MessageBinary)
			if err != nil {
				t.Error(err)
				return
			}
			for piece := range slices.Chunk(msg, 40000) {
				if _, err := out.Write(piece); err != nil {
					t.Error(err)
					return
				}
			}
			if err := out.Close(); err != nil {
				t.Error(err)
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	for _, buffer := range []int{16, smallBuffer, bulkBuffer} {
		t.Run(fmt.Sprint(buffer), func(t *testing.T) {
			l := dialRaw(t, server.Listener.Addr().String(), buffer)
			if err := l.send(opPing, []byte("still there?")); err != nil {
				t.Fatal(err)
			}
			for _, size := range []int{1, 3, 64, 125, 126, 127, 1000, upload, maxChunk - 1, maxChunk} {
				if err := burst(l, l.st, size, 2); err != nil {
					t.Fatalf("size %d: %v", size, err)
				}
			}
			if l.st.got != l.st.sent {
				t.Errorf("got %d bytes, want %d", l.st.got, l.st.sent)
			}
			if err := l.close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
}

func dialRaw(t *testing.T, addr string, buffer int) *raw {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	w, err := upgrade(c, newPattern(), "/", "", buffer)
	if err != nil {
		t.Fatal(err)
	}
	return newRaw(w)
}

// TestPingIsAnswered: the library's Ping waits for the pong.
func TestPingIsAnswered(t *testing.T) {
	answered := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			answered <- err
			return
		}
		ctx := ws.CloseRead(context.WithoutCancel(r.Context()))
		answered <- ws.Ping(ctx)
		ws.Close(websocket.StatusGoingAway, "")
	}))
	t.Cleanup(server.Close)
	l := dialRaw(t, server.Listener.Addr().String(), smallBuffer)
	var err error
	for err == nil {
		err = l.read(func(*stream, int) {})
	}
	if closed, ok := errors.AsType[closedError](err); !ok || closed.code != uint16(websocket.StatusGoingAway) {
		t.Errorf("got %v, want a close with 1001", err)
	}
	if err := <-answered; err != nil {
		t.Errorf("ping: %v", err)
	}
}

// TestBadFrames are what no server may send.
func TestBadFrames(t *testing.T) {
	for _, c := range []struct {
		name  string
		bytes string
	}{
		{"masked", "\x82\x81\x00\x00\x00\x00x"},
		{"reserved bit", "\xc2\x01x"},
		{"continues nothing", "\x80\x01x"},
		{"message within a message", "\x02\x01x\x82\x01x"},
		{"unknown opcode", "\x83\x01x"},
		{"unknown control", "\x8b\x00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ours, theirs := net.Pipe()
			defer ours.Close()
			go func() {
				defer theirs.Close()
				_, _ = io.WriteString(theirs, c.bytes)
			}()
			w := &ws{c: ours, in: make([]byte, 64)}
			err := w.next(func(b []byte, _, _ bool) (int, error) { return len(b), nil })
			if err == nil || errors.Is(err, io.EOF) {
				t.Errorf("got %v, want what is wrong with the frame", err)
			}
		})
	}
}
