package bridge

import (
	"net"
	"syscall"

	"porthole/wire/tap"
)

// sink writes to a connection.
type sink struct {
	conn net.Conn  // the connection itself
	tap  *tap.Conn // who reports the writes; nil if no one does
	raw  syscall.RawConn

	// The write under way, or the last.
	p     []byte
	n     int
	errno error

	// Made once, for a closure for each write would be garbage.
	try         func(fd uintptr) bool
	some, whole func() (int, error) // for the tap
}

func (s *sink) init(c net.Conn) {
	s.conn, s.tap, s.raw = descriptor(c)
	s.try = s.attempt
	if s.tap != nil {
		s.some, s.whole = s.writeSome, s.writeWhole
	}
}

// write writes p, and waits until the kernel has taken all of it. One write may
// be under way at a time.
func (s *sink) write(p []byte) (int, error) {
	s.p = p
	if s.tap != nil {
		return s.tap.WriteBy(p, s.whole)
	}
	return s.writeWhole()
}

// offer never waits: what it did not take must. It takes nothing from a
// connection without a descriptor.
func (s *sink) offer(p []byte) (int, error) {
	s.p = p
	if s.tap != nil {
		return s.tap.WriteBy(p, s.some)
	}
	return s.writeSome()
}

func (s *sink) writeWhole() (int, error) {
	n, err := s.writeSome()
	if err != nil || n == len(s.p) {
		return n, err
	}
	more, err := s.conn.Write(s.p[n:])
	return n + more, err
}

func (s *sink) writeSome() (int, error) {
	if s.raw == nil {
		return 0, nil
	}
	s.n, s.errno = 0, nil
	if err := s.raw.Write(s.try); err != nil {
		return 0, err
	}
	if s.errno != nil && s.errno != syscall.EAGAIN {
		return 0, opError("write", s.conn, s.errno)
	}
	return s.n, nil
}

func (s *sink) attempt(fd uintptr) bool {
	s.n, s.errno = writeFD(fd, s.p)
	return true
}

// dead tells whether nothing can be sent any more. Where what is read has ended,
// that is no orderly end: the kernel tells of a reset once, and it may have told
// who writes. False if that cannot be known.
func dead(c net.Conn) (is bool) {
	_, _, raw := descriptor(c)
	if raw == nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) {
		_, err := writeFD(fd, nil)
		is = err != nil && err != syscall.EAGAIN
	})
	return is
}
