//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// stream is bytes there and back between the client and a server behind the
// peer. Both ways carry the pattern from its start.
type stream struct {
	head []byte // op and id of its data, in a session
	sent uint64 // bytes that were queued
	got  uint64 // bytes that came and were right

	greeting []byte // what stands in front of each small message that comes back

	// In a session only.
	id     uint64
	open   bool          // it is connected
	room   atomic.Int64  // bytes that may be sent
	grown  chan struct{} // has one when room has grown
	unread uint64        // bytes that came since credit was given
	frozen bool          // it gets no credit

	// For who measures echoes.
	owed, part int
	listed     bool
}

// check compares what has come with what must have.
func (st *stream) check(p *pattern, b []byte) error {
	if st.greeting == nil {
		return p.check(st.got, b)
	}
	whole := uint64(len(st.greeting) + small)
	for pos := st.got; len(b) > 0; {
		turn, at := pos/whole, int(pos%whole)
		want := p.at(turn*small, small)
		if at < len(st.greeting) {
			want = st.greeting[at:]
		} else {
			want = want[at-len(st.greeting):]
		}
		n := min(len(b), len(want))
		if !bytes.Equal(b[:n], want[:n]) {
			return fmt.Errorf("message %d is wrong: got % x, want % x", turn, b[:n], want[:n])
		}
		b, pos = b[n:], pos+uint64(n)
	}
	return nil
}

// link is a connection to a peer, and the streams on it. One goroutine may read
// while another queues and flushes.
type link interface {
	// queue makes count messages of size bytes each, to be sent by flush in one
	// call. In a session there must be room for them.
	queue(st *stream, size, count int)
	flush() error
	// read reads once, and says what has come on which stream.
	read(got func(st *stream, n int)) error
	// close ends it in order: as a page does, or for TCP with a FIN each way.
	close() error
	// readDeadline bounds read; a link begins with a deadline for all.
	readDeadline(time.Time) error
}

// plain is a link that is a TCP connection and nothing more.
type plain struct {
	c       *net.TCPConn
	pattern *pattern
	st      *stream
	in, out []byte
}

func (l *plain) queue(st *stream, size, count int) {
	for range count {
		l.out = append(l.out, l.pattern.at(st.sent, size)...)
		st.sent += uint64(size)
	}
}

func (l *plain) flush() error {
	if len(l.out) == 0 {
		return nil
	}
	_, err := l.c.Write(l.out)
	l.out = l.out[:0]
	return err
}

func (l *plain) read(got func(*stream, int)) error {
	n, err := l.c.Read(l.in)
	if n == 0 {
		return err
	}
	if err := l.st.check(l.pattern, l.in[:n]); err != nil {
		return err
	}
	l.st.got += uint64(n)
	got(l.st, n)
	return nil
}

func (l *plain) close() error {
	defer l.c.Close()
	if err := l.c.CloseWrite(); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, l.c)
	return err
}

func (l *plain) readDeadline(t time.Time) error { return l.c.SetReadDeadline(t) }
