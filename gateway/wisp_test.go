package main

import (
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"
)

// A client of Wisp is who its password says, which is his key, until that is gone.
func TestWispKeys(t *testing.T) {
	b := build(t, "--dialect", "wisp")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	open := func(user, password string) *websocket.Conn {
		t.Helper()
		ws, _, err := websocket.Dial(ctx, b.url+"/wisp/", &websocket.DialOptions{
			HTTPClient: client, HTTPHeader: http.Header{"X-Forwarded-For": {"192.0.2.1"}}, Subprotocols: []string{"wisp-v2"},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ws.CloseNow() })
		body := string(rune(len(user))) + user + password
		info := "\x05\x00\x00\x00\x00\x02\x00\x02" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(body)))) + body
		if err := ws.Write(ctx, websocket.MessageBinary, []byte(info)); err != nil {
			t.Fatal(err)
		}
		_, _, _ = ws.Read(ctx) // the server's INFO
		return ws
	}
	says := func(ws *websocket.Conn, what, want string) {
		t.Helper()
		if _, got, err := ws.Read(ctx); err != nil || string(got) != want {
			t.Errorf("%s: the server says %q, %v, want %q", what, got, err, want)
		}
	}
	for what, shown := range map[string][2]string{
		"another's key": {"alice", bobKey}, "half a key": {"alice", aliceKey[:20]}, "no name": {"", aliceKey}, "an unknown name": {"carol", aliceKey}, "the wrong way round": {aliceKey, "alice"},
	} {
		says(open(shown[0], shown[1]), what, "\x04\x00\x00\x00\x00\xc0")
	}
	ws := open("bob", bobKey)
	says(ws, "bob", "\x03\x00\x00\x00\x00\x00\x01\x00\x00")
	for target, want := range map[string]string{b.one: "\x04\x01\x00\x00\x00\x48", b.two: "\x02\x01\x00\x00\x00x"} {
		host, p, _ := net.SplitHostPort(target)
		port, err := strconv.Atoi(p)
		if err != nil {
			t.Fatal(err)
		}
		connect := append(binary.LittleEndian.AppendUint16([]byte("\x01\x01\x00\x00\x00\x01"), uint16(port)), host...)
		for _, packet := range []string{string(connect), "\x02\x01\x00\x00\x00x"} {
			if err := ws.Write(ctx, websocket.MessageBinary, []byte(packet)); err != nil {
				t.Fatal(err)
			}
		}
		says(ws, "bob to "+target, want)
		_ = ws.Write(ctx, websocket.MessageBinary, []byte("\x04\x01\x00\x00\x00\x02")) // its id is free again
	}
	if log := b.log.String(); strings.Contains(log, bobKey) || strings.Contains(log, aliceKey) || !strings.Contains(log, "user=bob") {
		t.Errorf("the log has a key, or not who came:\n%s", log)
	}
	b.write(2, "alice "+aliceKey)
	if got := b.goodbye(ws); got.Code != websocket.StatusPolicyViolation {
		t.Errorf("without a key his session ends with %v", got)
	}
}
