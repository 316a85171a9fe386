package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"porthole/wire"
	"porthole/wire/tap"
)

// newLogger logs to w: as JSON with all there is, or as text for the eye.
func newLogger(w io.Writer, format string) *slog.Logger {
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(&textHandler{out: &output{w: w}})
}

// follow logs the events of log until the context ends, and then those that are
// left. It reads behind the sockets, so that a slow stderr holds up none.
func follow(ctx context.Context, log *tap.Log, logger *slog.Logger) {
	attrs := everything
	if _, ok := logger.Handler().(*textHandler); ok {
		attrs = brief
	}
	var seq uint64
	events := make([]wire.Event, 64)
	for log.Wait(ctx, seq) == nil {
		n, lost := log.Since(seq, events)
		seq += lost + uint64(n)
		if lost > 0 {
			logger.Warn("lost", "events", lost)
		}
		for i := range events[:n] {
			e := &events[i]
			r := slog.NewRecord(time.Unix(0, e.At()), slog.LevelInfo, e.Kind.String(), 0)
			if e.Kind == wire.Error {
				r.Level = slog.LevelWarn
			}
			r.AddAttrs(attrs(e)...)
			_ = logger.Handler().Handle(ctx, r) // there is nowhere to say that stderr is gone
		}
	}
}

// brief is what a person wants to know of an event.
func brief(e *wire.Event) (attrs []slog.Attr) {
	if e.Conn != 0 {
		attrs = append(attrs, slog.Uint64("conn", e.Conn))
	}
	switch e.Kind {
	case wire.Listening:
		attrs = append(attrs, slog.String("text", e.Local))
	case wire.Connection:
		attrs = append(attrs, slog.String("from", e.Remote))
	case wire.Data, wire.CallWrite:
		attrs = append(attrs, slog.Uint64("bytes", e.Bytes()), slog.String("text", text(e)))
	case wire.Error:
		attrs = append(attrs, slog.String("code", e.Code), slog.String("syscall", e.Syscall))
	case wire.Close:
		if e.HadError {
			attrs = append(attrs, slog.String("text", "after an error"))
		}
	}
	return attrs
}

// everything is all of an event, and its bytes only as text.
func everything(e *wire.Event) []slog.Attr {
	attrs := []slog.Attr{
		slog.Uint64("seq", e.Seq), slog.Int64("start", e.Start), slog.Int64("return", e.Return),
		slog.String("side", e.Side.String()), slog.Uint64("conn", e.Conn),
		slog.String("local", e.Local), slog.String("remote", e.Remote),
	}
	switch e.Kind {
	case wire.Data, wire.CallWrite:
		attrs = append(attrs, slog.Uint64("from", e.From), slog.Uint64("to", e.To),
			slog.Uint64("bytes", e.Bytes()), slog.String("text", text(e)))
	case wire.Error:
		attrs = append(attrs, slog.String("code", e.Code), slog.String("syscall", e.Syscall))
	case wire.Close:
		attrs = append(attrs, slog.Bool("hadError", e.HadError))
	}
	if k := e.Kernel; k != (wire.Kernel{}) {
		attrs = append(attrs, slog.Group("kernel", "state", k.State, "unsent", k.Unsent, "unread", k.Unread,
			"rtt", k.RTT, "cwnd", k.Cwnd, "retransmits", k.Retransmits))
	}
	return attrs
}

// text is the copied bytes, made safe, and an ellipsis for those not copied.
func text(e *wire.Event) string {
	s := tap.Text(e.Data)
	if uint64(len(e.Data)) < e.Bytes() {
		s += "…"
	}
	return s
}

// textHandler writes a line for a person:
//
//	15:04:05.000 data        #1    9 bytes  哇咔咔
type textHandler struct {
	out   *output
	attrs []slog.Attr
}

// output is the writer that all handlers of a logger share, a line at a time.
type output struct {
	sync.Mutex
	w io.Writer
}

func (h *textHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

func (h *textHandler) Handle(_ context.Context, r slog.Record) error {
	b := r.Time.AppendFormat(nil, "15:04:05.000 ")
	b = append(b, r.Message...)
	column := 25
	write := func(a slog.Attr) bool {
		b = append(b, bytes.Repeat([]byte(" "), max(1, column-len(b)))...)
		b = appendAttr(b, a)
		if a.Key == "conn" {
			column += 5
		} else {
			column = 0
		}
		return true
	}
	for _, a := range h.attrs {
		write(a)
	}
	r.Attrs(write)
	h.out.Lock()
	defer h.out.Unlock()
	_, err := h.out.w.Write(append(b, '\n'))
	return err
}

// appendAttr leaves out the keys that go without saying.
func appendAttr(b []byte, a slog.Attr) []byte {
	switch a.Key {
	case "conn":
		return fmt.Appendf(b, "#%v", a.Value)
	case "bytes":
		return fmt.Appendf(b, "%5v bytes ", a.Value)
	case "text", "error":
		return fmt.Appendf(b, "%v", a.Value)
	case "try":
		return fmt.Appendf(bytes.TrimRight(b, " "), "\n%24s try %v", "", a.Value)
	}
	return fmt.Appendf(b, "%s=%v", a.Key, a.Value)
}

func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &textHandler{out: h.out, attrs: append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)}
}

// WithGroup changes nothing: a line for a person has no groups.
func (h *textHandler) WithGroup(string) slog.Handler { return h }
