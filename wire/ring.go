package wire

// Ring holds the bytes of one direction of a stream between two parties of
// different speed: at most MaxWindow of them. Its memory grows to what it holds,
// and all but a little of it goes when it is empty. The zero value is ready; it
// is not safe for concurrent use.
type Ring struct {
	buf     []byte // its length is a power of two
	head, n int
}

const minRing = 4 << 10 // bytes; what an echo of short messages keeps

// Len is how many bytes are held.
func (r *Ring) Len() int { return r.n }

// Write appends p whole, or, where it would not fit, nothing.
func (r *Ring) Write(p []byte) bool {
	if len(p) > MaxWindow-r.n {
		return false
	}
	if r.n+len(p) > len(r.buf) {
		r.grow(r.n + len(p))
	}
	tail := (r.head + r.n) & (len(r.buf) - 1)
	copy(r.buf, p[copy(r.buf[tail:], p):])
	r.n += len(p)
	return true
}

// Read moves bytes from the front to p, as many as there are and fit.
func (r *Ring) Read(p []byte) int {
	front := r.buf[r.head:min(r.head+r.n, len(r.buf))]
	n := copy(p, front)
	if n == len(front) {
		n += copy(p[n:], r.buf[:r.n-n]) // what has wrapped around
	}
	r.n -= n
	switch {
	case r.n > 0:
		r.head = (r.head + n) & (len(r.buf) - 1)
	case len(r.buf) > minRing:
		*r = Ring{}
	default:
		r.head = 0
	}
	return n
}

func (r *Ring) grow(need int) {
	size := minRing
	for size < need {
		size *= 2
	}
	buf, n := make([]byte, size), r.n
	r.Read(buf)
	*r = Ring{buf: buf, n: n}
}
