package bridge

import "porthole/wire"

// hello opens the session: what the page may do here.
func (s *session) hello() error {
	h := wire.Hello{Window: wire.Window, Message: uint64(s.b.inForce().Message), Streams: uint64(s.most), Copy: wire.MaxCopy}
	for _, single := range []bool{true, false} { // the default is first
		for _, t := range s.user.of(s.b.Policy.Targets) {
			if t.Single() == single {
				h.Targets = append(h.Targets, t.String())
			}
		}
	}
	if s.user != nil {
		h.Offers = append(h.Offers, "user")
	}
	if len(s.b.Policy.Listen) > 0 {
		h.Offers = append(h.Offers, "listen")
	}
	if s.b.Log != nil {
		h.Offers = append(h.Offers, "events")
	}
	if s.b.Server != nil {
		h.Offers = append(h.Offers, "lab")
		if s.b.Open {
			h.Offers = append(h.Offers, "server")
		}
	}
	if s.b.kernels() {
		h.Offers = append(h.Offers, "kernel")
	}
	return s.send(0, wire.OpHello, &h)
}
