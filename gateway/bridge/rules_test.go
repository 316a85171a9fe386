package bridge_test

import (
	"testing"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/wire"
)

func message(op wire.Op, id uint64, body wire.Body) string {
	return string(wire.Append(nil, op, id, body))
}

func data(id uint64, n int) string {
	return message(wire.OpData, id, nil) + string(make([]byte, n))
}

func count(n uint64) *wire.Count {
	c := wire.Count(n)
	return &c
}

// What breaks the rules of package wire, on a session whose stream 3 is open
// to a peer that does not read, and what the close frame says.
func TestViolations(t *testing.T) {
	window := &wire.Dial{Window: wire.Window}
	for _, tt := range []struct {
		name     string
		messages []string
		code     int
		reason   string
	}{
		{"empty", []string{""}, 1002, "wire: message is cut short"},
		{"an op alone", []string{"\x01"}, 1002, "wire: message is cut short"},
		{"half an id", []string{"\x01\x80"}, 1002, "wire: message is cut short"},
		{"an id too long", []string{"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"}, 1002, "wire: message is cut short"},
		{"an op of no one on half an id", []string{"\xff\x80"}, 1002, "wire: message is cut short"},
		{"dial without fields", []string{message(wire.OpDial, 5, nil)}, 1002, "wire: message is cut short"},
		{"dial with a host longer than it", []string{"\x13\x05\x7fabc"}, 1002, "wire: list is longer than its message"},
		{"dial with more options than bytes", []string{"\x13\x05\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\x0f"}, 1002, "wire: list is longer than its message"},
		{"resolve without fields", []string{message(wire.OpResolve, 5, nil)}, 1002, "wire: message is cut short"},
		{"credit without fields", []string{message(wire.OpCredit, 3, nil)}, 1002, "wire: message is cut short"},
		{"close without fields", []string{message(wire.OpClose, 3, nil)}, 1002, "wire: message is cut short"},
		{"option without a value", []string{message(wire.OpOption, 3, nil) + "\x01"}, 1002, "wire: message is cut short"},
		{"lab without a value", []string{message(wire.OpLab, 3, nil) + "\x01"}, 1002, "wire: message is cut short"},
		{"observe without fields", []string{message(wire.OpObserve, 0, nil)}, 1002, "wire: message is cut short"},

		{"too big", []string{data(3, wire.MaxMessage-1)}, 1009, "a message is at most 65536 bytes"},
		{"far too big", []string{data(3, 3<<20)}, 1009, "a message is at most 65536 bytes"},
		{"too big, of an op of no one", []string{"\xff\x00" + string(make([]byte, wire.MaxMessage))}, 1009, "a message is at most 65536 bytes"},

		{"data before dial", []string{data(5, 1)}, 1002, "a message for a stream that was never opened"},
		{"fin before dial", []string{message(wire.OpFin, 5, nil)}, 1002, "a message for a stream that was never opened"},
		{"lab before dial", []string{message(wire.OpLab, 5, &wire.Lab{Verb: wire.LabPause})}, 1002, "a message for a stream that was never opened"},
		{"data for the session", []string{data(1<<40, 1)}, 1002, "a message for a stream that was never opened"},
		{"an id again", []string{message(wire.OpDial, 3, window)}, 1002, "ids are odd and rise"},
		{"an id of the gateway", []string{message(wire.OpDial, 4, window)}, 1002, "ids are odd and rise"},
		{"the session's id", []string{message(wire.OpDial, 0, window)}, 1002, "ids are odd and rise"},
		{"a falling id", []string{message(wire.OpDial, 1, window)}, 1002, "ids are odd and rise"},
		{"resolve with an id again", []string{message(wire.OpResolve, 3, &wire.Resolve{})}, 1002, "ids are odd and rise"},

		{"data behind fin", []string{message(wire.OpFin, 3, nil), data(3, 1)}, 1002, "data after fin"},
		{"a window beyond ours", []string{message(wire.OpDial, 5, &wire.Dial{Window: wire.MaxWindow + 1})}, 1002, "dial offers more than the window"},
		{"credit beyond the window", []string{message(wire.OpCredit, 3, count(1))}, 1002, "credit beyond the window"},
		{"endless credit", []string{message(wire.OpCredit, 3, count(1<<64-1))}, 1002, "credit beyond the window"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			target, accept := accepting(t)
			b := to(target)
			k := talk(t, serve(t, b))
			k.connect(3)
			c := accept()
			for _, m := range tt.messages {
				k.sendBytes([]byte(m))
			}
			code, reason := k.status()
			if code != tt.code || reason != tt.reason {
				t.Errorf("close code %d %q, want %d %q", code, reason, tt.code, tt.reason)
			}
			_ = ending(c) // the stream ends as well
			if got := b.Stats().Refused["protocol"]; got != 1 {
				t.Errorf("%d refusals counted, want 1", got)
			}
		})
	}
}

func TestTextBreaksTheProtocol(t *testing.T) {
	k := talk(t, serve(t, to()))
	if err := k.ws.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if code, reason := k.status(); code != 1003 || reason != "only binary messages are understood here" {
		t.Errorf("close code %d %q, want 1003", code, reason)
	}
}

// What a later page may say and what comes too late is skipped.
func TestSkipped(t *testing.T) {
	target, accept := accepting(t)
	k := talk(t, serve(t, to(target)))
	k.connect(3)
	c := accept()
	for _, m := range []string{
		"\x00\x00", "\xff\x03xyz",
		message(wire.OpObserve, 0, &wire.Observe{}) + "more", message(wire.OpLab, 9999, &wire.Lab{Verb: 200}),
		message(wire.OpLab, 3, &wire.Lab{Verb: wire.LabClose}), message(wire.OpLab, 0, &wire.Lab{Verb: wire.LabReset}), // of the other kind
		message(wire.OpHello, 0, nil),       // the gateway's own ops
		message(wire.OpConnected, 3, nil),   //
		message(wire.OpCredit, 3, count(0)), // nothing
		message(wire.OpOption, 3, &wire.Option{Name: 99, Value: 1}),
		message(wire.OpOption, 3, &wire.Option{Name: wire.OptionNoDelay}) + "more",
		data(3, 0),
		data(1, 9), message(wire.OpFin, 1, nil), message(wire.OpReset, 1, nil), // ids that were passed over
		message(wire.OpFin, 3, nil) + "more",
		message(wire.OpFin, 3, nil), // again
	} {
		k.sendBytes([]byte(m))
	}
	k.body(wire.OpFinished, 3, nil)
	if err := ending(c); err != nil {
		t.Errorf("the peer's read ends with %v, want FIN", err)
	}
	closeWrite(t, c)
	k.body(wire.OpFin, 3, nil)
	var why wire.Closed
	k.body(wire.OpClosed, 3, &why)
	if why.Reason != wire.ReasonEnded {
		t.Errorf("closed %v, want %v", why.Reason, wire.ReasonEnded)
	}
	for _, op := range []wire.Op{wire.OpData, wire.OpFin, wire.OpReset, wire.OpClose, wire.OpCredit, wire.OpOption} {
		k.send(op, 3, nil) // on a stream that has ended
	}
	k.connect(5)
}
