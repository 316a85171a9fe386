package view_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"porthole/web/view"
	"porthole/wire"
)

func TestTalk(t *testing.T) {
	type said struct {
		side wire.Side
		conn uint64
		text string
	}
	const client, server = wire.Client, wire.Server
	tests := []struct {
		name string
		said []said
		want []view.Line
	}{
		{"nothing", []said{{server, 1, ""}}, nil},
		{"our messages are lines", []said{{client, 1, "a"}, {client, 1, "b"}},
			[]view.Line{{Side: client, Conn: 1, Text: "a"}, {Side: client, Conn: 1, Text: "b"}}},
		{"the server's words run on", []said{{client, 1, "a"}, {server, 1, "你"}, {server, 1, "好"}, {client, 1, "b"}, {server, 1, "c"}},
			[]view.Line{{Side: client, Conn: 1, Text: "a"}, {Side: server, Conn: 1, Text: "你好"}, {Side: client, Conn: 1, Text: "b"}, {Side: server, Conn: 1, Text: "c"}}},
		{"but not into another connection", []said{{server, 1, "a"}, {server, 2, "b"}},
			[]view.Line{{Side: server, Conn: 1, Text: "a"}, {Side: server, Conn: 2, Text: "b"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var talk view.Talk
			for _, s := range tt.said {
				talk.Say(s.side, s.conn, s.text)
			}
			if !slices.Equal(talk.Lines, tt.want) {
				t.Errorf("got %+v, want %+v", talk.Lines, tt.want)
			}
		})
	}
}

// However much is said, a talk stays small, and says what it left out.
func TestTalkIsBounded(t *testing.T) {
	t.Run("a line", func(t *testing.T) {
		var talk view.Talk
		const pieces = 1000
		for range pieces {
			talk.Say(wire.Server, 1, "好a")
		}
		l := talk.Lines[0]
		if len(talk.Lines) != 1 || len(l.Text) > 4<<10 {
			t.Fatalf("%d lines, the first of %d bytes", len(talk.Lines), len(l.Text))
		}
		if got, want := len(l.Text)+l.More, pieces*len("好a"); got != want {
			t.Errorf("kept %d bytes and left out %d: %d in all, want %d", len(l.Text), l.More, got, want)
		}
		if !utf8.ValidString(l.Text) || !strings.HasPrefix(strings.Repeat("好a", pieces), l.Text) {
			t.Errorf("kept %q, which is no start of what was said", l.Text)
		}
	})
	t.Run("no text behind a gap", func(t *testing.T) {
		var talk view.Talk
		for range 1000 {
			talk.Say(wire.Server, 1, "好")
		}
		talk.Say(wire.Server, 1, "a")
		if l := talk.Lines[0]; strings.HasSuffix(l.Text, "a") {
			t.Errorf("behind %d bytes that are left out stands %q", l.More, l.Text[len(l.Text)-4:])
		}
	})
	t.Run("lines", func(t *testing.T) {
		var talk view.Talk
		for i := range 1000 {
			talk.Say(wire.Client, 1, strings.Repeat("x", i+1))
		}
		if n := len(talk.Lines); n > 200 {
			t.Errorf("%d lines are kept", n)
		}
		if last := talk.Lines[len(talk.Lines)-1]; len(last.Text)+last.More != 1000 {
			t.Errorf("the newest line is of %d bytes, want 1000", len(last.Text)+last.More)
		}
	})
}
