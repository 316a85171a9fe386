package bridge_test

import (
	"testing"

	"porthole/wire"
	"porthole/wire/tap"
)

// A page sees how the kernels hold its bytes, at both ends, and only what has
// changed; the referee sees that nothing comes behind closed.
func TestObserveKernels(t *testing.T) {
	if !tap.KernelTells {
		t.Skip("this system's kernel does not tell")
	}
	const finWait2, closeWait = 5, 8
	b, _ := steered(t, false)
	p := open(t, serve(t, b))
	s := p.connect(b.Policy.Targets[0])
	p.observe(1) // it is more often than there is
	last := func(what string, is func(k wire.Kernels) bool) {
		t.Helper()
		s.await(what, func() bool { return len(s.kernels) > 0 && is(s.kernels[len(s.kernels)-1]) })
	}
	last("both ends", func(k wire.Kernels) bool { return k.Client.State == 1 && k.Server.State == 1 })
	s.lab(wire.LabPause, 0)
	s.send([]byte("哇咔咔"))
	last("9 bytes unread", func(k wire.Kernels) bool { return k.Server.Unread == 9 })
	s.do(s.Stream.End)
	last("the end unread", func(k wire.Kernels) bool { return k.Client.State == finWait2 && k.Server.State == closeWait })
	s.lab(wire.LabResume, 0)
	s.closed()
	other := p.connect(b.Policy.Targets[0])
	other.await("another's", func() bool { return len(other.kernels) > 0 })
	p.observe(0)
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, k := range s.kernels[1:] {
		if k == s.kernels[i] {
			t.Errorf("%+v is told twice", k)
		}
	}
}
