package bridge

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"porthole/wire/tap"
)

// buffer holds bytes on their way: what one read brought, with room in front
// for the headers that it goes on with.
type buffer [bufferSize]byte

// bufferSize is more than a message takes: a buffer costs an idle connection
// nothing, and each system call that it saves is worth a copy of 10 KB.
const bufferSize = 128 << 10

// maxRead is how much of a socket goes in one message of raw mode: the most that
// a header of four bytes can tell.
const maxRead = 1<<16 - 1

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// source reads from a connection. While nothing comes it holds no buffer, so ten
// thousand connections that wait cost none.
type source struct {
	conn net.Conn  // the connection itself
	tap  *tap.Conn // who reports the reads; nil if no one does
	raw  syscall.RawConn

	buf   *buffer // nil while there is none
	spare []byte  // without raw, it waits with this one
	busy  bool    // … unless that was not enough the last time

	// The read under way: into buf[start:end], and the next try to stop.
	// hold keeps buf while it waits.
	start, end, stop int
	hold             bool
	n                int
	errno            error

	// Made once, for a closure for each read would be garbage.
	try  func(fd uintptr) bool
	once func(limit int) ([]byte, error) // for the tap
}

// spareSize is what a connection without a descriptor holds while it waits.
const spareSize = 512

func (s *source) init(c net.Conn) {
	s.conn, s.tap, s.raw = descriptor(c)
	s.try = s.attempt
	if s.tap != nil {
		s.once = s.readOnce
	}
}

// descriptor finds what is below a connection that the bridge dialled or took
// over. Only the very types of package net are known to have nothing but their
// descriptor: raw is nil for others, and where the system has no read(2).
func descriptor(c net.Conn) (within net.Conn, t *tap.Conn, raw syscall.RawConn) {
	within = c
	if t, _ = c.(*tap.Conn); t != nil {
		within = t.Conn
	}
	switch c := within.(type) {
	case *net.TCPConn:
		raw, _ = c.SyscallConn()
	case *net.UnixConn:
		raw, _ = c.SyscallConn()
	}
	if !readable {
		raw = nil
	}
	return within, t, raw
}

// read reads once, at most into buf[start:end]. With hold, buf keeps what it
// holds; without, it is given back when there is nothing to read, and a new one
// taken when there is.
func (s *source) read(start, end int, hold bool) (int, error) {
	s.start, s.end, s.hold = start, end, hold
	var p []byte
	var err error
	if s.tap != nil {
		p, err = s.tap.ReadBy(s.once)
	} else {
		p, err = s.readOnce(0)
	}
	if len(p) == 0 && !hold {
		s.release()
	}
	return len(p), err
}

func (s *source) take() {
	if s.buf == nil {
		s.buf = buffers.Get().(*buffer)
	}
}

// release gives the buffer back.
func (s *source) release() {
	if s.buf != nil {
		buffers.Put(s.buf)
		s.buf = nil
	}
}

// readOnce is one read, of at most limit bytes unless that is 0.
func (s *source) readOnce(limit int) ([]byte, error) {
	s.stop = s.end
	if limit > 0 {
		s.stop = min(s.end, s.start+limit)
	}
	if s.raw == nil {
		return s.readConn()
	}
	s.n, s.errno = 0, nil
	if err := s.raw.Read(s.try); err != nil {
		return nil, err
	}
	if s.errno != nil {
		return nil, opError("read", s.conn, s.errno)
	}
	if s.n == 0 {
		return nil, io.EOF
	}
	return s.buf[s.start : s.start+s.n], nil
}

// attempt reads, if there is something; else it is called again when there is.
func (s *source) attempt(fd uintptr) bool {
	s.take()
	s.n, s.errno = readFD(fd, s.buf[s.start:s.stop])
	if s.errno != syscall.EAGAIN {
		return true
	}
	if !s.hold {
		s.release()
	}
	return false
}

// readConn reads from a connection that has no descriptor: TLS, or any on
// Windows. It waits with a small buffer, unless the last read was not a small
// one. A tap would tell of the small one's reads: then it takes a buffer.
func (s *source) readConn() ([]byte, error) {
	if s.hold || s.busy || s.tap != nil {
		s.take()
		p := s.buf[s.start:s.stop]
		n, err := s.conn.Read(p)
		s.busy = n >= spareSize
		return p[:n], err
	}
	if s.spare == nil {
		s.spare = make([]byte, spareSize)
	}
	n, err := s.conn.Read(s.spare[:min(spareSize, s.stop-s.start)])
	s.busy = n == spareSize
	s.take()
	return s.buf[s.start : s.start+copy(s.buf[s.start:], s.spare[:n])], err
}

// opError is the error that package net would return.
func opError(op string, c net.Conn, errno error) error {
	local := c.LocalAddr()
	return &net.OpError{Op: op, Net: local.Network(), Source: local, Addr: c.RemoteAddr(), Err: os.NewSyscallError(op, errno)}
}
